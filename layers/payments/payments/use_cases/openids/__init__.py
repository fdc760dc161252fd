"""Who the buyer is to one of the merchant's apps."""
