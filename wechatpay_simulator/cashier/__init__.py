"""What stands between a merchant's page and the payment, on the buyer's phone."""
