"""Lays the root certificates of a file out as OpenSSL looks for one: `python3 roots.py <cacert.pem>`, run by the build.

A file of root certificates is read whole, 17 ms of every cold start for certifi's, more than a hundred; from a folder OpenSSL
reads the one or two that a server's certificate leads to. It finds them by a hash of their name, as `openssl rehash` lays them
out, which not every machine has. Source: OpenSSL, "X509_LOOKUP_hash_dir" and "X509_NAME_hash"; RFC 5280, section 4.1.
"""

import base64
import hashlib
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _SET, _VERSION, _UTF8 = 0x30, 0x31, 0xA0, 0x0C
# ASN.1's kinds of text, and what each is written in; OpenSSL, too, takes a T61String for Latin-1.
_TEXTS = {
    _UTF8: "utf-8",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


def lay_out(file: Path) -> Path:
    """Write each certificate of a PEM file into the folder beside it, `<file>.d`, which is returned. Raises OSError, ValueError."""
    folder = file.with_name(f"{file.name}.d")
    shutil.rmtree(folder, ignore_errors=True)  # of another file's certificates none may be left
    folder.mkdir()
    named: Counter[str] = Counter()
    for text in _PEM.finditer(file.read_text(encoding="utf-8")):
        name = f"{name_hash(base64.b64decode(text[1])):08x}"
        (folder / f"{name}.{named[name]}").write_text(f"{text[0]}\n", encoding="ascii")
        named[name] += 1
    return folder


def name_hash(certificate: bytes) -> int:
    """By what OpenSSL finds a certificate (DER) as an issuer: the hash of its subject's name, whatever case and blanks it is in."""
    (whole,) = _parts(certificate)
    signed = next(_parts(whole.content))
    members = [part for part in _parts(signed.content) if part.tag != _VERSION]
    subject = members[4]  # after serial number, algorithm, issuer and validity
    canonical = b"".join(_canonical_set(names.content) for names in _parts(subject.content))
    return int.from_bytes(hashlib.sha1(canonical, usedforsecurity=False).digest()[:4], "little")


class _Part(NamedTuple):
    tag: int
    content: bytes


def _parts(der: bytes) -> Iterator[_Part]:
    """The values that lie one behind the other."""
    while der:
        tag, length, start = der[0], der[1], 2
        if length >= 0x80:
            start += length - 0x80
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("the certificate is cut off")
        yield _Part(tag, der[start : start + length])
        der = der[start + length :]


def _canonical_set(names: bytes) -> bytes:
    entries = []
    for entry in _parts(names):
        kind, value = _parts(entry.content)
        entries.append(_encoded(_SEQUENCE, _encoded(*kind) + _encoded(*_canonical(value))))
    return _encoded(_SET, b"".join(sorted(entries)))


def _canonical(value: _Part) -> _Part:
    """A text in small letters (ASCII's alone), single blanks and UTF-8; anything else as it is."""
    if value.tag not in _TEXTS:
        return value
    text = value.content.decode(_TEXTS[value.tag]).encode()
    return _Part(_UTF8, b" ".join(text.split()).lower())


def _encoded(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 + len(length))) + length + content


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
