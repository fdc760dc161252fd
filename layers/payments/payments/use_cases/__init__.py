"""What can be done with an order, and what is done by the clock; whoever asks, by HTTP or by a queue."""
