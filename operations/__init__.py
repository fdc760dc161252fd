"""What whoever is on call runs against a deployed stack, or against a running sandbox."""
