"""Looks for secrets in what left a process: as they are, and in every form in which something might have written them."""

import base64
import json
from urllib.parse import quote, quote_plus

SHORTEST = 12  # characters; less could be anybody's


def forms(secret):
    """A secret in plain, in base64 wherever it may begin in it, in hex, URL- and JSON-escaped."""
    assert len(secret) >= SHORTEST, "too short to be told from something else"
    raw = secret.encode()
    found = {
        secret,
        raw.hex(),
        raw.hex().upper(),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
    }
    found.add("".join(f"\\u{ord(letter):04x}" for letter in secret))
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(bytes(offset) + raw).decode()
            # Its first and last letters also hold bits of what stands before and behind.
            found.add(text[(0, 2, 3)[offset] : len(text) - (0, 3, 2)[(len(raw) + offset) % 3]])
    return found


def leaks(secrets, text):
    """The names of those secrets that are in the text in any form."""
    return sorted(name for name, secret in secrets.items() if any(form in text for form in forms(secret)))
