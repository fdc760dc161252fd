"""What is written down of each request and notification, and what was wrong with it, in words."""
