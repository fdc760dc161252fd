"""What a payment is and how it moves: rules on plain values, which ask nobody."""
