"""What `make` does with the books of a deployed stack."""
