"""How the product is spoken to: requests, answers, callers, and the checkout page."""
