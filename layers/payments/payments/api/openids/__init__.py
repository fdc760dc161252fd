"""Over HTTP: who the buyer is to one of the merchant's apps."""
