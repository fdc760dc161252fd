"""A `.env` file as a mapping: the forms that shells and the usual loaders agree on, keys of several lines included."""

import re

from operations.stack import CannotError

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(r"[ \t]+#.*")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class EnvFileError(CannotError):
    """The file is not a `.env` file; the sentence names the line and never its value."""


def parse(text: str) -> dict[str, str]:
    r"""The variables of a `.env` file. Raises EnvFileError.

    `NAME=value`, with `export` or without; a value in single quotes is taken as it is, in double quotes `\n`, `\"` and
    the like are resolved, and either may go over several lines; a bare one ends with its line or at ` #`.
    """
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        line = text.count("\n", 0, at) + 1
        named = _NAME.match(text, at)
        if named is None:
            raise EnvFileError(f"line {line} is neither NAME=value nor a comment")
        if named[1] in values:
            raise EnvFileError(f"line {line} sets {named[1]} a second time")
        values[named[1]], at = _value(text, named.end(), f"line {line}: {named[1]}")
    return values


def _value(text: str, at: int, where: str) -> tuple[str, int]:
    quote = text[at : at + 1]
    if quote not in ("'", '"'):
        plain = _PLAIN.match(text, at)
        assert plain is not None  # noqa: S101  it matches nothing, too
        return _COMMENT.sub("", plain[0]).strip(), plain.end()
    quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
    if quoted is None:
        raise EnvFileError(f"{where} opens a quote that nothing closes")
    rest = _BLANK.match(text, quoted.end())
    if rest is None:
        raise EnvFileError(f"{where} goes on after its closing quote")
    value = quoted[1]
    if quote == '"':
        value = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), value)
    return value, rest.end()
