"""APIv3 itself: who calls, what is signed and encrypted, which rules a request keeps, how no is said."""
