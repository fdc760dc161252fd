"""The texts that a client may have signed in place of the right one, each with the sentence that names the mistake."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import permutations, product
from urllib.parse import parse_qsl, quote, unquote, urlencode

from wechatpay_simulator.protocol.signing import signed_text
from wechatpay_simulator.watching.bodies import rewritten

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LARGE = 4096  # bytes of a body with which less is tried: every try hashes it


@dataclass(frozen=True)
class Parts:
    """The five lines of what is signed, and how they are put together."""

    method: bytes
    target: bytes  # path and query string as they are on the wire
    timestamp: bytes
    nonce: bytes
    body: bytes
    shape: Callable[["Parts"], bytes] = lambda parts: signed_text(*parts.lines())

    def lines(self) -> tuple[bytes, ...]:
        return (self.method, self.target, self.timestamp, self.nonce, self.body)

    def digest(self) -> bytes:
        """SHA-256 of the text: what an RSA signature is of."""
        return sha256(self.shape(self)).digest()


@dataclass(frozen=True)
class Known:
    """What else a client of this simulator may have had in its hands."""

    mchid: str
    host: str  # of the request's Host header
    paths: tuple[str, ...]  # of other calls
    earlier: tuple[Parts, ...]  # requests, the latest first


Change = tuple[dict[str, object], str]  # members of Parts, and the sentence


def mistakes(right: Parts, known: Known) -> Iterator[tuple[Parts, str]]:
    """Everything that is tried: one mistake first, then two of the frequent ones together."""
    frequent = [_methods(right), _targets(right, known), _bodies(right), _shapes(right)]
    rare = [_paths(right, known), _timestamps(right), _nonces(right, known), _other_bodies(right, known)]
    for changes in (*frequent, *rare):
        for change, sentence in changes:
            yield replace(right, **change), sentence  # type: ignore[arg-type]
    for place, some in enumerate(frequent):
        for others in frequent[place + 1 :]:
            for (change, sentence), (another, too) in product(some, others):
                yield replace(right, **change | another), f"{sentence}; and {too}"  # type: ignore[arg-type]


def _methods(right: Parts) -> list[Change]:
    own = right.method.decode("latin-1")
    others = [each for each in (*_METHODS, own.lower()) if each != own]
    return [
        ({"method": each.encode()}, f"the signature covers the method {each}, the request is a {own}")
        for each in others
    ]


def _targets(right: Parts, known: Known) -> list[Change]:
    target = right.target.decode("latin-1")
    path, _, query = target.partition("?")
    found: dict[str, str] = {}
    if query:
        found[path] = "the signature covers the path without the query"
        found[path + "?"] = "the signature covers the path and a question mark without the query"
        found[query] = "the signature covers the query without the path"
        members = parse_qsl(query, keep_blank_values=True)
        if len(members) <= 4:
            for order in permutations(members):
                for encode in (quote, lambda text, *_: text):
                    found[f"{path}?{urlencode(order, quote_via=encode)}"] = (
                        "the signature covers the query written otherwise: sign it as it is sent"
                    )
    else:
        found[f"{path}?mchid={known.mchid}"] = "the signature covers a query, mchid=…, that did not come"
        found[path + "?"] = "the signature covers a question mark behind the path that did not come"
    for host in (
        f"http://{known.host}",
        f"https://{known.host}",
        "https://api.mch.weixin.qq.com",
        known.host,
    ):
        for end in (target, path):
            found[host + end] = "the signature covers the host, too: only path and query are signed"
    for other in (unquote(path), quote(path), quote(path, safe=""), quote(unquote(path))):
        found[other + target[len(path) :]] = (
            "the signature covers the path decoded or encoded otherwise: sign it as it is sent"
        )
    found.setdefault(
        unquote(target), "the signature covers path and query decoded: sign them as they are sent"
    )
    for other in (path + "/", path.rstrip("/"), path.lstrip("/"), "/" + path, path.removeprefix("/v3")):
        found[other + target[len(path) :]] = (
            "the signature covers the path with a slash or its beginning missing, or with a slash too many"
        )
    found.pop(target, None)
    return [({"target": text.encode("utf-8", "replace")}, sentence) for text, sentence in found.items()]


def _paths(right: Parts, known: Known) -> list[Change]:
    query = right.target.partition(b"?")[1:]
    others: dict[bytes, str] = {each.target: "the path of an earlier request" for each in known.earlier}
    others |= {each.encode() + b"".join(query): f"another path, {each}" for each in known.paths}
    others.pop(right.target, None)
    return [({"target": target}, f"the signature covers {which}") for target, which in others.items()]


def _timestamps(right: Parts) -> Iterable[Change]:
    own = int(right.timestamp)
    reach = 900 if len(right.body) <= _LARGE else 10
    for seconds in sorted(range(-reach, reach + 1), key=abs):
        if seconds:
            said = f"{abs(seconds)} s {'earlier' if seconds < 0 else 'later'} than the header's"
            yield {"timestamp": b"%d" % (own + seconds)}, f"the signature covers another timestamp, {said}"
    for other in (right.timestamp + b"000", right.timestamp + b".0", b""):
        yield {"timestamp": other}, "the signature covers the timestamp in another form than the header's"


def _nonces(right: Parts, known: Known) -> list[Change]:
    own = right.nonce
    others = {each.nonce: "of an earlier request" for each in known.earlier}
    forms = (own.lower(), own.upper(), own.replace(b"-", b""), b"", b'"' + own + b'"', own[:32], own[:16])
    others |= dict.fromkeys(forms, "in another form")
    others.pop(own, None)
    return [
        ({"nonce": nonce}, f"the signature covers another nonce_str than the header's: one {which}")
        for nonce, which in others.items()
    ]


def _bodies(right: Parts) -> list[Change]:
    size, is_get = len(right.body), right.method == b"GET"
    if size:
        said = f"the signature covers an empty body, and one of {size} bytes came"
        if is_get:
            said = f"a GET came with a body of {size} bytes, and the signature covers an empty one"
        return [({"body": b""}, said)]
    query = dict(parse_qsl(right.target.partition(b"?")[2].decode("latin-1")))
    bodies = [b"{}", b"null", b'""', b"[]", b"None", b"undefined", b" "]
    bodies += [text for text, _ in rewritten(urlencode_as_json(query))] if query else []
    bodies += [right.target.partition(b"?")[2]] if query else []
    told = "the signature covers a body, and none came" + (": that of a GET is empty" if is_get else "")
    return [({"body": body}, told) for body in dict.fromkeys(bodies) if body]


def _other_bodies(right: Parts, known: Known) -> Iterator[Change]:
    body = right.body
    earlier = dict.fromkeys(each.body for each in known.earlier)
    for other in earlier:
        if other != body:
            yield (
                {"body": other},
                "the signature covers another body than the one that came: an earlier request's",
            )
    if not body:
        return
    for other in (body + b"\n", body.strip(), body.replace(b"\r\n", b"\n"), b"\xef\xbb\xbf" + body):
        yield {"body": other}, "the signature covers the body with other white space around it or in it"
    for other in (body.decode("utf-8", "replace").encode("gb18030", "replace"), _latin(body)):
        yield {"body": other}, "the signature covers the body in another encoding than UTF-8"
    for other, sentence in rewritten(body):
        yield {"body": other}, sentence


def _latin(body: bytes) -> bytes:
    return body.decode("latin-1").encode()


def urlencode_as_json(query: dict[str, str]) -> bytes:
    """The members of a query string as some clients sign them: as a JSON object."""
    inside = ",".join(f'"{name}":"{value}"' for name, value in query.items())
    return ("{" + inside + "}").encode("utf-8", "replace")


def _shapes(right: Parts) -> list[Change]:
    def shaped(join: Callable[[tuple[bytes, ...]], bytes], sentence: str) -> Change:
        return {"shape": lambda parts: join(parts.lines())}, sentence

    no_end = "the final line feed is missing: the last line ends with one, too"
    if not right.body:
        no_end = "the final line feed is missing: an empty body has its line, too"
    elif right.body.endswith(b"\n"):  # the two mistakes make the same text
        no_end = "the signature covers the body without the line feed that it ends with, or the final line feed is missing"
    return [
        shaped(lambda lines: signed_text(*lines)[:-1], no_end),
        shaped(lambda lines: signed_text(*lines)[:-2], "the last two line feeds are missing"),
        shaped(lambda lines: signed_text(*lines) + b"\n", "there is a line feed too many at the end"),
        shaped(lambda lines: b"\r\n".join((*lines, b"")), "the lines end with CR LF: they end with LF alone"),
        shaped(
            lambda lines: b"\\n".join((*lines, b"")),
            "the lines end with a backslash and an n, not a line feed",
        ),
        shaped(b"".join, "the lines have no line feeds"),
        shaped(
            lambda lines: signed_text(lines[0], lines[1], lines[3], lines[2], lines[4]),
            "nonce_str stands before the timestamp: the timestamp comes first",
        ),
        shaped(
            lambda lines: signed_text(*lines[2:]),
            "the signature covers timestamp, nonce_str and body alone, as an answer's: method and path are missing",
        ),
        shaped(lambda lines: sha256(signed_text(*lines)).digest(), "the text was hashed twice"),
        shaped(lambda lines: sha256(signed_text(*lines)).hexdigest().encode(), "the text was hashed twice"),
    ]
