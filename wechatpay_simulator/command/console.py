"""Signs that a console's encoding may not have are spelt there, so that telling an outcome never fails."""

import codecs
import io
import sys

_SPELT = {"✓": "ok", "✗": "NO", "…": "...", "–": "-"}


def spell_out() -> None:
    """From now on stdout and stderr write what their encoding has as it is, and the rest spelt, or by its number."""
    codecs.register_error("spelt", _spelt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # another program may have put something else there
            stream.reconfigure(errors="spelt")


def _spelt(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_SPELT.get(each, ascii(each)[1:-1]) for each in text), error.end
