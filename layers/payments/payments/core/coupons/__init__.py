"""What coupons pay of an order, and get back of a refund."""
