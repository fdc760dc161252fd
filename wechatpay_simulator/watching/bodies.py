"""Other ways to write the JSON of a body down: clients sign one of them and send another."""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_LARGEST = 16 * 1024  # bytes of a body that is written anew
_LONGEST = 4 * _LARGEST  # characters of what it becomes
_MOST_MEMBERS = 7  # whose order is tried in every way

# What stands behind a comma, behind a colon, and before each member; the words say how the text was written.
_SPACES: tuple[tuple[str, Callable[..., str]], ...] = (
    ("without spaces", lambda value, **how: json.dumps(value, separators=(",", ":"), **how)),
    ("with spaces after its commas and colons", json.dumps),
    ("with spaces after its colons", lambda value, **how: json.dumps(value, separators=(",", ": "), **how)),
    ("in indented lines", lambda value, **how: json.dumps(value, indent=2, **how)),
    ("in indented lines", lambda value, **how: json.dumps(value, indent=4, **how)),
    ("in indented lines", lambda value, **how: json.dumps(value, indent="\t", **how)),
)
_ORDERS = (("with its keys in the order of what came", False), ("with its keys sorted", True))
_SLASHES = (("with plain slashes", False), ("with slashes escaped as \\/", True))
_MARKUP = (("with plain < > &", False), ("with < > & escaped as \\u003c and the like", True))
_ENDS = (("without a line feed at its end", ""), ("with a line feed at its end", "\n"))
_UNICODE: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("with characters as UTF-8", str),
    ("with characters escaped as \\uXXXX", lambda text: _escaped(text, "04x")),
    ("with characters escaped as \\uXXXX", lambda text: _escaped(text, "04X")),
)


def rewritten(body: bytes) -> Iterator[tuple[bytes, str]]:
    """Each other text of the JSON in `body`, with a sentence for a signature that covers it. Nothing for what is no JSON object."""
    if len(body) > _LARGEST:
        return
    try:
        document = json.loads(body)
        texts = list(_texts(document)) if isinstance(document, dict | list) else []
    except (ValueError, RecursionError):  # no JSON, or one that is too deep to be written
        return
    own = next((words for text, words in texts if text == body), ())
    for text, words in texts:
        yield text, _sentence(word for word in words if word not in own)
    if isinstance(document, dict) and len(document) <= _MOST_MEMBERS:
        for text in _reordered(document):
            yield text, _sentence(["with its keys in another order"])


def _sentence(how: Iterable[str]) -> str:
    return (
        f"the signature covers the same JSON written otherwise, {' and '.join(how)}: "
        "sign the very bytes that are sent"
    )


def _texts(document: Any) -> Iterator[tuple[bytes, tuple[str, ...]]]:
    for (spaces, dumps), (order, is_sorted) in itertools.product(_SPACES, _ORDERS):
        plain = dumps(document, ensure_ascii=False, sort_keys=is_sorted)
        if len(plain) > _LONGEST:  # indented, and deep
            continue
        for (unicode, escape), (slashes, has_slashes), (markup, has_markup), (end, feed) in itertools.product(
            _UNICODE, _SLASHES, _MARKUP, _ENDS
        ):
            text = escape(plain)
            text = text.replace("/", "\\/") if has_slashes else text
            text = text.translate(_ESCAPED_MARKUP) if has_markup else text
            yield (
                (text + feed).encode("utf-8", "surrogatepass"),
                (spaces, order, unicode, slashes, markup, end),
            )


_ESCAPED_MARKUP = {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}


def _reordered(document: dict[str, Any]) -> Iterator[bytes]:
    for inner in (False, True):
        for comma, colon in ((",", ":"), (", ", ": ")):
            members = [
                json.dumps(name, ensure_ascii=False)
                + colon
                + json.dumps(value, ensure_ascii=False, separators=(comma, colon), sort_keys=inner)
                for name, value in document.items()
            ]
            for order in itertools.permutations(members):
                yield ("{" + comma.join(order) + "}").encode("utf-8", "surrogatepass")


def _escaped(text: str, form: str) -> str:
    """Beyond ASCII as UTF-16 units, as JSON has it."""
    if text.isascii():
        return text
    units = text.encode("utf-16-be", "surrogatepass")
    pairs = (int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2))
    return "".join(chr(unit) if unit < 0x80 else f"\\u{unit:{form}}" for unit in pairs)
