"""Over HTTP: the books, whatever is listed and exported of them."""
