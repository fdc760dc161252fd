"""What the body of an order may say beside what it must."""
