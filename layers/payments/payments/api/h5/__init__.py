"""Orders that a phone's browser pays: where the buyer is, and the address that leads to WeChat."""
