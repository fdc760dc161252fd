"""The table `checkouts`."""
