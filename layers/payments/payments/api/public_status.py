"""Where an order stands, in the words of its checkout page, which its live connection speaks too (docs/checkout.md)."""

_WORDS = {"pending": "waiting", "succeeded": "paid"}


def public_status(word: str, *, expired: bool) -> str:
    """The word for a status's own (`Status.word`, as in events); `expired`: whether it was closed after its time was over."""
    if word == "closed" and expired:
        return "expired"
    return _WORDS.get(word, word)
