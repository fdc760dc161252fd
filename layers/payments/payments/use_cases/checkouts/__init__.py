"""What can be done with a checkout."""
