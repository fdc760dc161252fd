"""What can be done with a refund of an order."""
