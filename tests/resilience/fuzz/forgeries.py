"""What nobody but WeChat Pay could have signed: every way in which a good notification is altered, and what it must get.

Each forgery has a label that makes it again: the same label, made from the same message, is the same change.
"""

import base64
import gzip
import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SIGNED = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial", "wechatpay-signature")
TYPE = "wechatpay-signature-type"
ROUTE = "POST /api/v1/payments/wechat/notify"


@dataclass(frozen=True)
class Signed:
    """A message with WeChat Pay's signature: header names in lower case, as API Gateway hands them over."""

    headers: Mapping[str, Any]
    body: bytes

    def event(self, **changes: Any) -> dict[str, Any]:
        """As API Gateway delivers it: as text, or in base64 where it is none."""
        try:
            delivered = {"body": self.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            delivered = {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}
        return {
            "version": "2.0",
            "routeKey": ROUTE,
            "headers": dict(self.headers),
            "requestContext": {},
            **delivered,
            **changes,
        }

    def but(self, body: bytes | None = None, **headers: Any) -> "Signed":
        """With another body or other headers; underscores stand for hyphens, None takes a header away."""
        changed = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        kept = {name: value for name, value in changed.items() if value is not None}
        return Signed(kept, self.body if body is None else body)


@dataclass(frozen=True)
class Forgery:
    """One altered message; `status` is what it must be answered, with nothing read or written."""

    kind: str
    label: str
    event: dict[str, Any]
    status: int = 401


def exhaustive(good: Signed) -> Iterator[Forgery]:
    """Every single-bit flip of body and headers, and every truncation, deletion, doubling, swap and insertion of a byte."""
    body = good.body
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        yield Forgery("bit of the body", str(bit), good.but(bytes(flipped)).event())
    for name in (*SIGNED, TYPE):
        value = good.headers[name]
        for bit in range(len(value) * 8):
            at = bit // 8
            flipped_text = value[:at] + chr(ord(value[at]) ^ 1 << bit % 8) + value[at + 1 :]
            yield Forgery(
                "bit of a header", f"{name}:{bit}", Signed({**good.headers, name: flipped_text}, body).event()
            )
    for name in SIGNED:
        for bit in range(len(name) * 8):
            at = bit // 8
            other = name[:at] + chr(ord(name[at]) ^ 1 << bit % 8) + name[at + 1 :]
            if other.lower() != name:
                headers = {other if known == name else known: value for known, value in good.headers.items()}
                yield Forgery("bit of a header's name", f"{name}:{bit}", Signed(headers, body).event())
    for at in range(len(body)):
        edits = {
            "truncated": body[:at],
            "beheaded": body[at + 1 :],
            "deleted": body[:at] + body[at + 1 :],
            "doubled": body[: at + 1] + body[at:],
            "inserted": body[:at] + bytes([(at * 37 + 11) % 256]) + body[at:],
            "swapped": body[:at] + body[at : at + 2][::-1] + body[at + 2 :],
        }
        for edit, edited in edits.items():
            if edited != body:
                yield Forgery("byte of the body", f"{edit}:{at}", good.but(edited).event())


def subsets(good: Signed) -> Iterator[Forgery]:
    """Some of the headers gone, empty or blank, or in each other's places."""
    for count in range(len(SIGNED)):
        for kept in itertools.combinations(SIGNED, count):
            for gone in (None, "", " "):
                less = {name: gone for name in SIGNED if name not in kept}
                changed = {
                    name: value for name, value in {**good.headers, **less}.items() if value is not None
                }
                yield Forgery(
                    "subset of the headers", f"{'+'.join(kept)}={gone!r}", Signed(changed, good.body).event()
                )
    null = dict.fromkeys(SIGNED)
    yield Forgery("subset of the headers", "null", good.event(headers=null))
    yield Forgery("subset of the headers", "no headers at all", good.event(headers=None))
    for order in itertools.permutations(SIGNED):
        if order != SIGNED:
            swapped = {name: good.headers[other] for name, other in zip(SIGNED, order, strict=True)}
            yield Forgery(
                "swapped headers", "+".join(order), Signed({**good.headers, **swapped}, good.body).event()
            )


def grammar(good: Signed) -> Iterator[Forgery]:
    """Headers that are there twice, hold a stray character, or have another form: none may be read kindly."""
    for name in (*SIGNED, TYPE):
        value = good.headers[name]
        for form in ("{0},{0}", "{0}, {0}", "{0},x", "x,{0}", ",{0}", "{0},", "{0};{0}", "{0} {0}"):
            changed = {**good.headers, name: form.format(value)}
            yield Forgery("repeated header", f"{name}:{form}", Signed(changed, good.body).event())
        for character in " \t\n\r\x00\x0b\x7f\x85\xa0\u2028\u3000\"!*-_.=+,;:%'\\é１A0":
            for place in (0, len(value) // 2, len(value)):
                grown = value[:place] + character + value[place:]
                changed = {**good.headers, name: grown}
                label = f"{name}:{place}:{character!r}"
                yield Forgery("character in a header", label, Signed(changed, good.body).event())
        for label, other in {
            "cut": value[:-1],
            "doubled": value * 2,
            "upper": value.upper(),
            "lower": value.lower(),
            "null byte": value + "\x00",
            "word": "null",
            "zero": "0",
            "long": "A" * 10_000,
        }.items():
            if other != value:
                changed = {**good.headers, name: other}
                yield Forgery("other form of a header", f"{name}:{label}", Signed(changed, good.body).event())
    stamp = int(good.headers[SIGNED[0]])
    for text in (
        *(
            f"+{stamp}",
            f"-{stamp}",
            f"{stamp}.0",
            f"{stamp}000",
            f" {stamp}",
            f"0{stamp}",
            f"{stamp:_}",
            f"{stamp:x}",
        ),
        *(
            f"{stamp:e}",
            "".join(chr(0xFF10 + int(digit)) for digit in str(stamp)),
            "NaN",
            "Infinity",
            "0" * 10,
        ),
    ):
        yield Forgery("form of the timestamp", text, good.but(wechatpay_timestamp=text).event())
    for kind in ("WECHATPAY2-SM2-WITH-SM3", "none", "HMAC-SHA256", "MD5", "WECHATPAY2-SHA256-RSA4096"):
        yield Forgery("signature type", kind, good.but(wechatpay_signature_type=kind).event())


def signatures(good: Signed) -> Iterator[Forgery]:
    """Signatures of the right kind and not of these bytes; probes; encodings of the right one that are not its own."""
    real = good.headers[SIGNED[3]]
    raw = base64.b64decode(real)
    others = {
        "url-safe": base64.urlsafe_b64encode(raw).decode(),
        "hex": raw.hex(),
        "unpadded": real.rstrip("="),
        "overpadded": real + "=",
        "in lines": real[:76] + "\n" + real[76:],
        "reversed": base64.b64encode(raw[::-1]).decode(),
        "short": base64.b64encode(raw[1:]).decode(),
        "longer": base64.b64encode(b"\x00" + raw).decode(),
        "zero": base64.b64encode(bytes(256)).decode(),
        "one": base64.b64encode(bytes(255) + b"\x01").decode(),
        "ones": base64.b64encode(b"\xff" * 256).decode(),
    }
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = len(real.rstrip("=")) - 1
    for letter in alphabet:  # the last letter holds two bits; a lenient decoder drops the other four
        if letter != real[last]:
            others[f"last letter {letter}"] = real[:last] + letter + real[last + 1 :]
    for probe in ("", real, real[:40], "A" * 344, "AAAA", "/" * 100):
        others[f"probe {probe[:8]}{len(probe)}"] = f"WECHATPAY/SIGNTEST/{probe}"
    others["probe behind"] = f"{real}WECHATPAY/SIGNTEST/"
    for label, text in others.items():
        if text != real:
            yield Forgery("signature", label, good.but(wechatpay_signature=text).event())


def encodings(good: Signed, chance: random.Random) -> Iterator[Forgery]:
    """The same JSON in other bytes, and the same bytes delivered in another way."""
    text, members = good.body.decode(), json.loads(good.body)

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: shuffled(value[name]) for name in chance.sample(list(value), len(value))}
        return value

    def escaped(share: float) -> bytes:
        return "".join(
            f"\\u{ord(letter):04x}" if letter.isalnum() and chance.random() < share else letter
            for letter in text
        ).encode()

    same = {
        "spaces": json.dumps(members, ensure_ascii=False).encode(),
        "ascii": json.dumps(members, separators=(",", ":")).encode(),
        "indent": json.dumps(members, indent=2, ensure_ascii=False).encode(),
        "sorted": json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(),
        "bom": b"\xef\xbb\xbf" + good.body,
        "gzip": gzip.compress(good.body),
        "base64": base64.b64encode(good.body),
        "bracketed": b"[" + good.body + b"]",
        "key twice": good.body[:-1] + b',"id":"EV-1"}',
    }
    for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "gbk", "utf-7", "utf-8-sig"):
        same[codec] = text.encode(codec)
    for place, blank in itertools.product(("before", "after", "colon", "comma"), (" ", "\t", "\n", "\r\n")):
        changed = {"before": blank + text, "after": text + blank}.get(place)
        mark = {"colon": ":", "comma": ","}.get(place, "")
        same[f"{blank!r} {place}"] = (changed or text.replace(mark, mark + blank, 1)).encode()
    for number in range(60):
        order = json.dumps(shuffled(members), separators=(",", ":"), ensure_ascii=False).encode()
        same[f"key order {number}"] = order
        same[f"escapes {number}"] = escaped((number + 1) / 60)
    for label, other in same.items():
        if other != good.body:
            yield Forgery("other encoding", label, good.but(other).event())

    coded = base64.b64encode(good.body).decode()
    for label, delivered, status in (
        ("text called base64", {"body": text, "isBase64Encoded": True}, 400),
        ("base64 called text", {"body": coded, "isBase64Encoded": False}, 401),
        ("twice base64", {"body": base64.b64encode(coded.encode()).decode(), "isBase64Encoded": True}, 401),
        ("base64 in lines", {"body": coded[:76] + "\n" + coded[76:], "isBase64Encoded": True}, 400),
        ("half of the base64", {"body": coded[: len(coded) // 2 | 1], "isBase64Encoded": True}, 400),
        ("no body", {"body": None, "isBase64Encoded": False}, 401),
        ("no body in base64", {"body": "", "isBase64Encoded": True}, 401),
        ("half a character", {"body": "\ud800" + text, "isBase64Encoded": False}, 400),
    ):
        yield Forgery("delivery", label, good.event(**delivered), status)


def sizes(good: Signed) -> Iterator[Forgery]:
    """Too much, too deep, nothing, and a small body that would become a large one."""
    bomb = gzip.compress(bytes(10_000_000))
    for label, body, status in (
        ("64 KB and a byte", b"x" * 65_537, 413),
        ("64 KB", b"x" * 65_536, 401),
        ("10 MB", b'{"a":"' + b"x" * 10_000_000 + b'"}', 413),
        ("100,000 deep", b"[" * 100_000, 413),
        ("60,000 deep", b"[" * 60_000, 401),
        ("members 13,000 deep", b'{"a":' * 13_000, 401),
        ("empty", b"", 401),
        ("gzip bomb", bomb, 401 if len(bomb) <= 65_536 else 413),
    ):
        yield Forgery("size", label, good.but(body, content_encoding="gzip").event(), status)
        yield Forgery("size", f"{label}, no signature", Signed({}, body).event(), status)


def borders(good: Signed) -> Iterator[Forgery]:
    """The signed bytes stay as they are, and other bytes of them are called the timestamp, the nonce, the body."""
    stamp, nonce, text = good.headers[SIGNED[0]], good.headers[SIGNED[1]], good.body.decode()
    for cut in range(len(text)):
        moved = good.but(text[cut:].encode(), wechatpay_nonce=f"{nonce}\n{text[:cut]}")
        yield Forgery("moved border", f"nonce takes {cut}", moved.event())
    for cut in range(1, len(nonce) + 1):
        given = good.but(f"{nonce[-cut:]}\n{text}".encode(), wechatpay_nonce=nonce[:-cut])
        yield Forgery("moved border", f"body takes {cut}", given.event())
    for cut in range(1, len(stamp)):
        shorter = good.but(wechatpay_timestamp=stamp[:-cut], wechatpay_nonce=stamp[-cut:] + nonce)
        yield Forgery("moved border", f"nonce takes {cut} of the timestamp", shorter.event())


def lines(good: Signed) -> Iterator[Forgery]:
    """As `borders`, of a body that has line feeds: here the signature fits, and the form of the nonce alone tells."""
    stamp, nonce, text = good.headers[SIGNED[0]], good.headers[SIGNED[1]], good.body.decode()
    for cut in (place for place, letter in enumerate(text) if letter == "\n"):
        moved = good.but(text[cut + 1 :].encode(), wechatpay_nonce=f"{nonce}\n{text[:cut]}")
        yield Forgery("moved border", f"nonce takes the lines up to {cut}", moved.event())
        taken = good.but(
            text[cut + 1 :].encode(),
            wechatpay_timestamp=f"{stamp}\n{nonce}\n{text[:cut]}".rpartition("\n")[0],
            wechatpay_nonce=text[:cut].rpartition("\n")[2],
        )
        yield Forgery("moved border", f"timestamp takes the lines up to {cut}", taken.event())


PERSUASION = (
    *({"host": name} for name in ("localhost", "127.0.0.1", "[::1]", "0.0.0.0", "api.mch.weixin.qq.com")),
    *({"x-forwarded-host": name} for name in ("localhost", "127.0.0.1")),
    *({"x-forwarded-for": ip} for ip in ("127.0.0.1", "101.226.103.1", "::1", "10.0.0.1")),
    *({"x-real-ip": "101.226.103.1"}, {"forwarded": "for=127.0.0.1;host=localhost"}, {"via": "localhost"}),
    *({"x-forwarded-proto": "https"}, {"origin": "http://localhost"}, {"referer": "http://localhost/"}),
    *(
        {"user-agent": "Mozilla/4.0"},
        {"x-amzn-trace-id": "Root=1-0-0;Sampled=1"},
        {"authorization": "Bearer x"},
    ),
    *(
        {"x-skip-verify": "true"},
        {"x-test": "1"},
        {"x-debug": "1"},
        {"x-sandbox": "true"},
        {"cookie": "admin=1"},
    ),
    *({"content-encoding": "gzip"}, {"content-encoding": "br"}, {"transfer-encoding": "chunked"}),
    *({"x-http-method-override": "GET"}, {"content-type": "application/xml"}, {"wechatpay-sandbox": "true"}),
)


def persuasion(good: Signed) -> Iterator[Forgery]:
    """Headers that some backend somewhere has taken for a reason not to look: beside a wrong signature, beside none."""
    wrong = {"wechatpay-signature": "A" * 344}
    for line in PERSUASION:
        ((name, value),) = line.items()
        yield Forgery(
            "persuasion", f"{name}: {value}", Signed({**good.headers, **wrong, **line}, good.body).event()
        )
        yield Forgery("persuasion", f"{name}: {value}, unsigned", Signed(line, good.body).event())
    for identity in ({"sourceIp": "127.0.0.1"}, {"sourceIp": "101.226.103.1"}):
        context = {"http": identity | {"method": "POST"}, "stage": "test"}
        yield Forgery("persuasion", str(identity), good.but(None, **wrong).event(requestContext=context))


def splices(good: Signed, others: Mapping[str, Signed]) -> Iterator[Forgery]:
    """Header and body of messages that WeChat Pay did sign, put together anew."""
    for label, other in others.items():
        if other.body != good.body:
            yield Forgery("splice", f"body of {label}", good.but(other.body).event())
            yield Forgery("splice", f"headers of {label}", other.but(good.body).event())
        for name in SIGNED:
            if other.headers[name] != good.headers[name]:
                mixed = Signed({**good.headers, name: other.headers[name]}, good.body)
                yield Forgery("splice", f"{name} of {label}", mixed.event())


def scrambled(good: Signed, seed: str) -> Forgery | None:
    """One to six edits at random of bits, bytes, pieces and header characters; None when they undo each other."""
    chance = random.Random(seed)
    body, lines = bytearray(good.body), dict(good.headers)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body) or 1)
        match chance.randrange(8):
            case 0 | 1:
                if body:
                    body[at] ^= 1 << chance.randrange(8)
            case 2:
                if body:
                    body[at] = chance.randrange(256)
            case 3:
                body[at:at] = chance.randbytes(chance.randint(1, 4))
            case 4:
                del body[at : at + chance.randint(1, 40)]
            case 5:
                piece, to = body[at : at + chance.randint(1, 40)], chance.randrange(len(body) or 1)
                body[to : to + len(piece)] = piece
            case _:
                name = chance.choice((*SIGNED, TYPE))
                value = lines[name]
                place = chance.randrange(len(value) or 1)
                letter = chr(chance.choice((chance.randrange(32, 127), chance.randrange(256))))
                lines[name] = value[:place] + letter + value[place + chance.randint(0, 1) :]
    changed = Signed(lines, bytes(body))
    if changed == good:
        return None
    return Forgery("scrambled", seed, changed.event())
