"""Messages with a signature that fits: by the wrong key, of the wrong time, or by WeChat Pay and not true of our orders."""

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.resilience.fuzz import forgeries
from tests.resilience.fuzz.forgeries import Forgery, Signed
from tests.resilience.fuzz.world import PREVIOUS_KEY, RETIRED_KEY, World, refund_id, refund_number

OFFSETS = (300, 301, 330, 600, 3600, 86_400, 10**8)
# What may be said of coupons and never keeps a payment from counting: as it should be, and as it should not.
STRANGE_COUPONS: tuple[tuple[Any, Any], ...] = (
    (900, [{"coupon_id": "1", "amount": 100}]),
    (0, [{"coupon_id": "1", "amount": 1000, "name": "照" * 64}]),
    (900, [{"coupon_id": "1"}]),
    (900, [{"coupon_id": "1", "amount": 10**40}]),
    (900, [{"coupon_id": "1", "amount": 1, "name": {"x": "\U0001f600"}}]),
    (900, [{"coupon_id": "1", "amount": 1}] * 1000),
    (900, {"coupon_id": "1"}),
    (900, "[]"),
    (900, [[], 1, None]),
    (1001, []),
    (-1, None),
    ("900", False),
    (None, [None]),
)
FIELDS = ("mchid", "appid", "out_trade_no", "trade_state")
REFUND_FIELDS = ("out_trade_no", "out_refund_no", "refund_id", "transaction_id", "refund_status", "amount")


@dataclass(frozen=True)
class Statement:
    """Something that WeChat Pay signed. `status` is what it must be answered, `reason` why it must be set aside, if it must.

    Whatever it says, no payment may move; `holds` names the order with which it is kept for later, and nothing more; what is
    `kept` is of a kind that nobody handles.
    """

    kind: str
    label: str
    event: dict[str, Any]
    status: int
    reason: str | None = None
    holds: str | None = None
    kept: bool = False


def sign(world: World, body: bytes, **given: Any) -> Signed:
    """With WeChat Pay's signature, unless another key, serial, timestamp or nonce is given."""
    return Signed({name.lower(): value for name, value in world.wechat.headers(body, **given).items()}, body)


def transaction(world: World, order: str, **changes: Any) -> dict[str, Any]:
    """What WeChat Pay would say of the order were it paid; of a paid one, what it did say."""
    row = world.rows[order]
    known = row["transaction_id"]["S"] if "transaction_id" in row and order != "torn" else "42" + "1" * 26
    facts: dict[str, Any] = world.wechat.transaction(row, **{"transaction_id": known, **changes})
    return facts


def paid(world: World, order: str, **changes: Any) -> Signed:
    """The notification that pays for an order, but for `changes` of its facts."""
    return sign(world, world.wechat.envelope(transaction(world, order, **changes)))


def refund(world: World, order: str, **changes: Any) -> dict[str, Any]:
    """What WeChat Pay would say of the refund that is on its way, were it done."""
    facts = {
        "mchid": world.credentials.mchid,
        "out_trade_no": world.orders[order].out_trade_no,
        "transaction_id": transaction(world, order)["transaction_id"],
        "out_refund_no": refund_number("P"),
        "refund_id": refund_id("P"),
        "refund_status": "SUCCESS",
        "success_time": "2024-01-01T12:00:00+08:00",
        "user_received_account": "支付用户零钱",
        "amount": {"total": 1000, "refund": 300, "payer_total": 1000, "payer_refund": 300},
    } | changes
    return {name: value for name, value in facts.items() if value is not None}


def refunded(world: World, order: str, *, event_type: str | None = None, **changes: Any) -> Signed:
    """The notification of that refund, but for `changes`."""
    facts = refund(world, order, **changes)
    kind = event_type or f"REFUND.{facts.get('refund_status')}"
    return sign(world, world.wechat.envelope(facts, event_type=kind, original_type="refund"))


@cache
def stranger() -> str:
    """A key that nobody has heard of."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


# ---- not proven ----


def keys(world: World) -> Iterator[Forgery]:
    """Rightly encrypted, and signed by every key that is not WeChat Pay's here, under every serial."""
    who = world.credentials
    body = paid(world, "pending").body
    pairs = {
        "the public key": (who.wechat_private_key, who.wechat_public_key_id),
        "the platform's": (who.platform_private_key, who.platform_serial_no),
        "the platform's next": (who.platform_private_key_new, who.platform_serial_no_new),
        "the merchant's own": (who.merchant_private_key, who.merchant_serial_no),
        "a stranger's": (stranger(), "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
    }
    trusted = {"the public key", "the platform's"}
    for name, (key, _) in pairs.items():
        for other, (_, serial) in pairs.items():
            if name != other or name not in trusted:
                yield Forgery(
                    "key", f"{name} under {other}", sign(world, body, key=key, serial=serial).event()
                )
    for number, serial in enumerate(_serials(world)):
        yield Forgery("serial", f"{number}:{serial[:40]!r}", sign(world, body, serial=serial).event())


def _serials(world: World) -> Iterator[str]:
    real, platform = world.credentials.wechat_public_key_id, world.credentials.platform_serial_no
    yield from (
        real.lower(),
        real[:-1],
        real + "0",
        real[1:],
        real.replace("_", "-"),
        "PUB_KEY_ID_",
        "*",
        "None",
    )
    yield from (
        platform.lower(),
        f"0x{platform}",
        platform.lstrip("0123456789") or "A",
        str(int(platform, 16)),
        "0" * 40,
    )
    yield from (
        f"{real},{real}",
        f"{real},{platform}",
        f" {real}",
        f"{real} ",
        f"{real}\x00",
        "../signing",
        "%s",
        "{}",
    )
    yield from (
        real.replace("1", "１"),
        real + "/..",
        f"{real}#",
        "0",
        "00",
        "__class__",
        "find",
        "A" * 64,
        "A" * 65,
    )


def replays(world: World) -> Iterator[Forgery]:
    """Signed by WeChat Pay, five minutes or more from now, either way."""
    body = paid(world, "pending").body
    for offset in OFFSETS:
        for seconds in (offset, -offset):
            stale = sign(world, body, timestamp=int(world.now) + seconds)
            yield Forgery("replay", f"{seconds:+d} s", stale.event())
    yield Forgery("replay", "at the epoch", sign(world, body, timestamp="0000000000").event())
    yield Forgery("replay", "far away", sign(world, body, timestamp="9999999999").event())


def probes(world: World) -> Iterator[Forgery]:
    """WeChat Pay's deliberate wrong signatures, on top of a right one."""
    good = paid(world, "pending")
    real = good.headers["wechatpay-signature"]
    for label, text in {
        "before the real one": f"WECHATPAY/SIGNTEST/{real}",
        "instead of its beginning": f"WECHATPAY/SIGNTEST/{real[19:]}",
        "in lower case": f"wechatpay/signtest/{real}",
    }.items():
        yield Forgery("probe", label, good.but(wechatpay_signature=text).event())


def lines(world: World) -> Iterator[Forgery]:
    """A message of WeChat Pay's in several lines, the last of which would be a good notification by itself."""
    yield from forgeries.lines(sign(world, b"first\nsecond\n" + paid(world, "pending").body))


# ---- proven, and not to be credited ----

OTHER_FACTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    *((f"total {total}", {"amount": {"total": total, "currency": "CNY"}}, "other_amount")
      for total in (999, 1001, 100_000, 10, 1, 0, -1000, 2**31, 2**63, 10**30)),
    ("payer_total alone fits", {"amount": {"total": 1, "payer_total": 1000, "currency": "CNY"}}, "other_amount"),
    *((f"currency {currency}", {"amount": {"total": 1000, "currency": currency}}, "other_amount")
      for currency in ("USD", "cny", "CNY ", "HKD", "JPY")),
    *((f"total {total!r}", {"amount": {"total": total, "currency": "CNY"}}, "incomplete")
      for total in ("1000", 1000.0, 1e3, True, None, [1000], {"fen": 1000}, "1000.00")),
    *((f"amount {amount!r}", {"amount": amount}, "incomplete")
      for amount in (None, 1000, "1000", [1000, "CNY"], {}, {"total": 1000}, {"currency": "CNY"})),
    ("currency is a number", {"amount": {"total": 1000, "currency": 156}}, "incomplete"),
    ("another merchant", {"mchid": "1900000110"}, "other_mchid"),
    ("another app", {"appid": "wx9999999999999999"}, "other_appid"),
    ("app in capitals", {"appid": "WX8888888888888888"}, "other_appid"),
    ("merchant with a space", {"mchid": "1900000109 "}, "other_mchid"),
    *((f"transaction {number!r}", {"transaction_id": number}, "incomplete") for number in (None, "", 42, ["42"], {})),
)  # fmt: skip


def payments(world: World) -> Iterator[Statement]:
    """Payments of other amounts, merchants, apps, currencies; of the wrong type; of orders in every state."""
    for order in world.orders:
        whole = order in ("pending", "paid")
        for label, changes, reason in OTHER_FACTS if whole else OTHER_FACTS[:2] + OTHER_FACTS[-9:-4]:
            event = paid(world, order, **changes).event()
            yield Statement("other facts", f"{order}: {label}", event, 200, reason)
    for order in ("paid", "refunding", "torn"):
        second = paid(world, order, transaction_id="42" + "2" * 26).event()
        yield Statement("second payment", order, second, 200, "second_transaction")
    for number in ("WX" + "Z" * 26, "WX000000", "another-system's", "用户", "' OR 1=1"):
        event = paid(world, "pending", out_trade_no=number).event()
        yield Statement("unknown order", number, event, 503, "unknown_order")
    other = paid(
        world, "pending", out_trade_no=world.orders["refunding"].out_trade_no, transaction_id="42" + "3" * 26
    )
    yield Statement("other order", "a paid one", other.event(), 200, "second_transaction")


def states(world: World) -> Iterator[Statement]:
    """Payments and refunds whose state is not what the event says, or that are the other of the two."""
    for state in (
        "NOTPAY",
        "CLOSED",
        "REVOKED",
        "USERPAYING",
        "PAYERROR",
        "REFUND",
        "success",
        "SUCCESS ",
        "PAID",
    ):
        for order in ("pending", "paid"):
            event = paid(world, order, trade_state=state).event()
            yield Statement("other state", f"{order}: {state}", event, 400, "unusable")
    kinds = ("REFUND.SUCCESS", "REFUND.CLOSED", "REFUND.ABNORMAL")
    for kind, status in itertools.product(kinds, ("SUCCESS", "CLOSED", "ABNORMAL", "PROCESSING", "x")):
        if kind != f"REFUND.{status}":
            event = refunded(world, "refunding", event_type=kind, refund_status=status).event()
            yield Statement("other state", f"{kind} says {status}", event, 400, "unusable")
    for kind in kinds:
        sealed = world.wechat.envelope(transaction(world, "pending"), event_type=kind, original_type="refund")
        yield Statement("payment as refund", kind, sign(world, sealed).event(), 400, "unusable")
    for order in ("pending", "paid", "refunding"):
        sealed = world.wechat.envelope(refund(world, order))
        yield Statement("refund as payment", order, sign(world, sealed).event(), 400, "unusable")


def members(world: World) -> Iterator[Statement]:
    """Payments and refunds that lack a member, or have it in another type."""
    for field, value in itertools.product(FIELDS, (None, "", 1, [], {}, True)):
        event = paid(world, "pending", **{field: value}).event()
        yield Statement("missing member", f"{field}={value!r}", event, 400, "unusable")
    for field, value in itertools.product(REFUND_FIELDS, (None, "", 1, [], True)):
        event = refunded(world, "refunding", event_type="REFUND.SUCCESS", **{field: value}).event()
        yield Statement("missing member", f"refund {field}={value!r}", event, 400, "unusable")
    for amount in (
        {"refund": 300},
        {"total": 1000},
        {"refund": "300", "total": 1000},
        {"refund": 300, "total": True},
    ):
        event = refunded(world, "refunding", amount=amount).event()
        yield Statement("missing member", f"refund amount {amount}", event, 400, "unusable")
    plaintexts = (b"[]", b"null", b"1", b'"text"', b"", b"text", b"\xff\xfe", b"{", b"[" * 20_000)
    for plain in plaintexts:
        event = sign(world, world.wechat.envelope(plain)).event()
        yield Statement("no object inside", f"{plain[:8]!r}", event, 400)


def refunds(world: World) -> Iterator[Statement]:
    """Refunds of orders that are not paid, of other amounts, twice, beyond what is left, and against what is final."""
    for order in ("creating", "pending", "closing", "closed", "failed"):
        yield Statement("refund of an unpaid order", order, refunded(world, order).event(), 200, holds=order)
    yield Statement(
        "unknown order",
        "refund",
        refunded(world, "paid", out_trade_no="WX" + "Y" * 26).event(),
        503,
        "unknown_order",
    )
    cases: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("another merchant", {"mchid": "1900000110"}, "other_mchid"),
        ("another transaction", {"transaction_id": "42" + "9" * 26}, "other_order"),
        ("another total", {"amount": {"refund": 300, "total": 999}}, "other_order"),
        ("a fen more", {"amount": {"refund": 301, "total": 1000}}, "other_refund_amount"),
        ("a fen less", {"amount": {"refund": 299, "total": 1000}}, "other_refund_amount"),
        ("nothing", {"amount": {"refund": 0, "total": 1000}}, "other_refund_amount"),
        ("another id", {"refund_id": "50" + "9" * 26}, "second_refund"),
        *((f"closed after success as {status}", {"out_refund_no": refund_number("S"), "refund_id": refund_id("S"),
           "refund_status": status, "amount": {"refund": 200, "total": 1000}}, "contradiction_after_final")
          for status in ("CLOSED",)),
        ("success after close", {"out_refund_no": refund_number("C"), "refund_id": refund_id("C"),
         "amount": {"refund": 100, "total": 1000}}, "contradiction_after_final"),
        *((f"elsewhere, {amount} fen", {"out_refund_no": "RF" + "N" * 26, "refund_id": "50" + "8" * 26,
           "amount": {"refund": amount, "total": 1000}}, "refund_beyond_payment")
          for amount in (801, 1000, 1001, 0, -1, 10**12)),
    )  # fmt: skip
    for label, changes, reason in cases:
        event = refunded(world, "refunding", **changes).event()
        yield Statement("refund of other facts", label, event, 200, reason)


def answers(world: World) -> Iterator[Statement]:
    """Answers of WeChat Pay, which are signed in the very same way, and bodies that are no notification at all."""
    facts = transaction(world, "pending")
    overheard = {
        "query": facts,
        "order": {"code_url": "weixin://wxpay/bizpayurl?pr=x"},
        "refund": refund(world, "refunding"),
        "error": {"code": "ORDERPAID", "message": "x"},
        "certificates": {
            "data": [{"encrypt_certificate": json.loads(world.wechat.envelope(facts))["resource"]}]
        },
    }
    for label, said in overheard.items():
        yield Statement("answer as notification", label, sign(world, json.dumps(said).encode()).event(), 400)
    for label, body in {
        "empty": b"", "{}": b"{}", "[]": b"[]", "null": b"null", "number": b"1", "text": b"text", "cut": b'{"id":',
        "not UTF-8": b"\xff\xfe{}", "deep": b"[" * 60_000, "deep members": b'{"a":' * 13_000, "digits": b"9" * 60_000,
        "bare": json.dumps(facts).encode(), "in a list": b"[" + world.wechat.envelope(facts) + b"]",
    }.items():  # fmt: skip
        yield Statement("body", label, sign(world, body).event(), 400)
    yield Statement("body", "over 64 KB", sign(world, b" " * 65_537).event(), 413)
    good = world.wechat.envelope(facts)
    for codec in ("utf-16", "utf-32", "utf-8-sig"):
        yield Statement("body", codec, sign(world, good.decode().encode(codec)).event(), 400)


def envelopes(world: World) -> Iterator[Statement]:
    """Other kinds of resource, other algorithms, nothing that says which event; and other events, which are welcome."""
    facts = transaction(world, "pending")
    kinds = (
        "COUPON.USE",
        "SECURITY_ECHO",
        "TRANSACTION.FAIL",
        "transaction.success",
        "TRANSACTION.SUCCESS ",
        "x",
        "REFUND.PROCESSING",
        "PAYSCORE.USER_PAID",
    )
    others: list[dict[str, Any]] = [
        *({"event_type": kind} for kind in kinds),
        *({"event_type": kind} for kind in ("REFUND.SUCCESS", "REFUND.CLOSED", "REFUND.ABNORMAL")),
        *({"original_type": kind} for kind in ("refund", "Transaction", "coupon", "profitsharing")),
    ]
    for change in others:
        body = world.wechat.envelope(facts, **change)
        yield Statement("another kind", str(change), sign(world, body).event(), 200, kept=True)
    for inside in ({"combine_out_trade_no": "C1"}, {"sp_mchid": "1900000109"}):
        event = paid(world, "pending", **inside).event()
        yield Statement("another kind", str(inside), event, 200, kept=True)
    changes: list[dict[str, Any]] = [
        *({"event_type": kind} for kind in ("", None, 1, ["x"])),
        *({"resource_type": kind} for kind in ("plain", "", None, "Encrypt-Resource", 1)),
        *(
            {"resource": {"algorithm": name}}
            for name in ("AEAD_SM4_GCM", "none", "", None, "aead_aes_256_gcm")
        ),
        *({"resource": {"ciphertext": text}} for text in ("", None, 1, ["x"])),
        *({"resource": {"nonce": text}} for text in ("", None, 1)),
        *({"id": identity} for identity in ("", None, 1)),
    ]
    for change in changes:
        body = world.wechat.envelope(facts, **change)
        yield Statement("envelope", str(change), sign(world, body).event(), 400)
    for resource in (None, "text", [], 1):
        body = json.dumps(json.loads(world.wechat.envelope(facts)) | {"resource": resource}).encode()
        yield Statement("envelope", f"resource {resource!r}", sign(world, body).event(), 400)


def resources(world: World) -> Iterator[Statement]:
    """Rightly signed, and not to be decrypted with a key of ours: WeChat Pay shall come again."""
    facts = transaction(world, "pending")
    good = json.loads(world.wechat.envelope(facts))["resource"]
    text = good["ciphertext"]
    keys = (RETIRED_KEY, "0" * 32, world.credentials.api_v3_key.swapcase())
    sealed = {
        f"APIv3 key {number}": world.wechat.envelope(facts, api_v3_key=key) for number, key in enumerate(keys)
    }
    for name, values in {
        "associated_data": ("refund", "", None, "transaction "),
        "nonce": ("0" * 12, "0" * 11, "0" * 13, "short", "n", "照" * 4, "照" * 12),
        "ciphertext": ("AAAA", "A" * 400, "no base64!", "照片"),
    }.items():
        for value in values:
            sealed[f"{name} {value!r}"] = world.wechat.envelope(facts, resource={name: value})
    for lenient in (f"!{text}", f"{text[:40]}\n{text[40:]}"):
        sealed[f"ciphertext {lenient[:1]}"] = world.wechat.envelope(
            facts, resource={**good, "ciphertext": lenient}
        )
    for label, body in sealed.items():
        yield Statement("not decrypted", label, sign(world, body).event(), 503)


_POOL: dict[str, tuple[Any, ...]] = {
    "mchid": ("1900000110", "", None, 1900000109),
    "appid": ("wx9999999999999999", None, 8),
    "trade_state": ("CLOSED", "NOTPAY", "REFUND", None),
    "transaction_id": (None, "", 7, ["x"]),
    "amount": (
        None,
        [],
        {},
        {"total": 1000},
        {"total": 1000.0, "currency": "CNY"},
        {"total": 1000, "currency": "USD"},
    ),
    "out_trade_no": (None, "", 5),
}
_HARMLESS: dict[str, tuple[Any, ...]] = {
    "payer": (None, {}, {"openid": "o-other"}, "x"),
    "success_time": (None, "x", 5),
    "attach": ("paid", "x" * 128),
    "promotion_detail": (
        [],
        [{"coupon_id": "1"}],
        [{"coupon_id": "1", "amount": 1}],
        {"amount": -1},
        "x",
        [[[]]],
        0,
    ),
}


def random_statement(world: World, seed: str) -> Statement:
    """A payment with one to three of its facts wrong and some others strange; status 0: any refusal will do."""
    chance = random.Random(seed)
    changes: dict[str, Any] = {}
    for name in chance.sample(list(_POOL), chance.randint(1, 3)):
        changes[name] = chance.choice(_POOL[name])
    for name in chance.sample(list(_HARMLESS), chance.randint(0, 2)):
        changes[name] = chance.choice(_HARMLESS[name])
    if chance.random() < 0.4:
        total = chance.choice((1, -1)) * chance.randint(0, 10 ** chance.randint(1, 18))
        changes["amount"] = {"total": total if total != 1000 else 1001, "currency": "CNY"}
    order = chance.choice(list(world.orders))
    return Statement("random facts", seed, paid(world, order, **changes).event(), 0)


# ---- what must be believed ----


def believed(world: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Label, order and event of notifications that are true: they must be credited, or nothing above proves a thing."""
    good = paid(world, "pending")
    upper = Signed({name.upper(): value for name, value in good.headers.items()}, good.body)
    yield "payment of a pending order", "pending", good.event()
    yield "with header names in capitals", "pending", upper.event()
    yield "without a signature type", "pending", good.but(**{"wechatpay-signature-type": None}).event()
    for seconds in (299, -299):
        stamped = sign(world, good.body, timestamp=int(world.now) + seconds)
        yield f"{seconds:+d} s", "pending", stamped.event()
    who = world.credentials
    platform = sign(world, good.body, key=who.platform_private_key, serial=who.platform_serial_no)
    yield "signed by the platform certificate", "pending", platform.event()
    previous = world.wechat.envelope(transaction(world, "pending"), api_v3_key=PREVIOUS_KEY)
    yield "under the previous APIv3 key", "pending", sign(world, previous).event()
    for order in ("creating", "closing", "closed", "failed"):
        yield f"payment of a {order} order", order, paid(world, order).event()
    for payer_total, detail in STRANGE_COUPONS:
        amount = {"total": 1000, "payer_total": payer_total, "currency": "CNY"}
        label = f"coupons {detail!r}, of which the buyer paid {payer_total!r}"[:100]
        yield label, "pending", paid(world, "pending", amount=amount, promotion_detail=detail).event()
    yield "refund that is on its way", "refunding", refunded(world, "refunding").event()
    yield "refund that was closed", "refunding", refunded(world, "refunding", refund_status="CLOSED").event()
    yield (
        "refund made elsewhere",
        "refunding",
        refunded(
            world,
            "refunding",
            out_refund_no="RF" + "M" * 26,
            refund_id="50" + "7" * 26,
            amount={"refund": 500, "total": 1000},
        ).event(),
    )
