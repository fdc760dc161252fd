"""How an item grows with the refunds of its payment: bytes, write units and processor time.

`python -m tests.refunding.growth` prints the tables, and docs/cost.md has the first; tests hold what does not depend on the machine.
"""

import argparse
import json
import logging
import math
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from statistics import median
from time import process_time
from typing import Any, Self

from botocore.awsrequest import AWSResponse

from payments.core import history
from payments.core.events import entries_of
from payments.core.lifecycle import RefundNews, RefundStatus, Status
from payments.core.payment import CURRENCY, HistoryEntry, Payment, Refund
from payments.storage.items import payment_of
from payments.storage.payments import PaymentStore
from payments.storage.refunds import RefundStore
from payments.storage.sdk.session import SENDER
from payments.storage.tables import PaymentItem
from sandbox.aws.item_size import item_bytes
from tests.kit.dynamodb import Answer, MemoryDynamoDB, Operation, Run
from tests.kit.office import Office, console, taken
from tests.kit.payments import a_payment, paid, pending
from tests.kit.tables import Item, copied

AMOUNT = 100_000  # fen
REFUND = 1_234  # fen
ACCOUNT = "招商银行信用卡0403"
WRITE_UNIT = 1024  # bytes of the larger of the two items, before and after; Amazon DynamoDB, "Read and write operations"


@dataclass
class Growth:
    """One payment with more and more refunds, each reserved, taken by WeChat Pay and paid out, as callers and WeChat Pay do it."""

    office: Office
    number: str = ""
    images: list[tuple[Item, Item]] = field(default_factory=list)  # of each update, before and after

    def __post_init__(self) -> None:
        self.number = ordinary(self.office)
        before = self.office.db.around
        assert before is not None
        self.office.db.around = lambda operation, run: self._counted(
            operation, lambda: before(operation, run)
        )

    def refund(self, count: int = 1, *, ended: bool = True) -> None:
        """So many refunds more, a minute apart."""
        for _ in range(count):
            place = len(self.office.sent)
            accepted = taken(refund_id=_refund_id(place), user_received_account=ACCOUNT)
            answer = self.office.refund(
                self.number, "12.34", wechat=accepted, key=f"key-{place}", refundReason="商品缺货，部分退款"
            )
            assert answer.status == 200, answer.body
            self.office.wait(61)
            if ended:
                self.end(place)

    def end(self, place: int) -> None:
        """WeChat Pay tells that the refund has been paid out."""
        number = self.office.sent[place]
        payment = self.office.stored(self.number)
        facts = {"refund_id": _refund_id(place), "user_received_account": ACCOUNT}
        assert self.office.notify(console(payment, number, REFUND, "SUCCESS", **facts)).status == 200

    @property
    def item(self) -> Item:
        """The payment's item, in DynamoDB's JSON."""
        return next(
            item for item in self.office.db.items("PaymentsTable") if item["out_trade_no"]["S"] == self.number
        )

    @property
    def bytes(self) -> int:
        """As DynamoDB counts them."""
        return item_bytes(self.item)

    def units_of_the_last(self, updates: int) -> list[int]:
        """Write units of so many updates."""
        return [math.ceil(max(map(item_bytes, images)) / WRITE_UNIT) for images in self.images[-updates:]]

    def _counted(self, operation: Operation, run: Run) -> Answer:
        if operation.table != "PaymentsTable" or not operation.writes:
            return run()
        before = self.item
        answer = run()
        self.images.append((before, self.item))
        return answer


def ordinary(office: Office) -> str:
    """A paid order with all that an ordinary one has."""
    number, now = "WX" + "K7QJ2M4ZXAN5TBVHDRCYW3EPGF", int(office.wiring.now())
    request = {
        "appid": "wx8888888888888888",
        "mchid": "1900000109",
        "description": "A year of the members' magazine, printed",
        "out_trade_no": number,
        "time_expire": "2027-01-15T18:00:00+08:00",
        "notify_url": office.wiring.settings.notify_url,
        "amount": {"total": AMOUNT, "currency": CURRENCY},
    }
    office.wiring.store.create(
        a_payment(
            number,
            user_id="0b1f6a8e-2f0e-4b7e-9a51-6f0f6f6f1c11",
            content_id="magazine-2027",
            subject="A year of the members' magazine, printed",
            metadata='{"shop":"north","cart":"81723"}',
            amount=AMOUNT,
            fingerprint="K7QJ2M4ZXAN5TBVHDRCYW3EPGF",
            wechat_request=str(request),
            time_expire=now + 7200,
            created_at=now,
            updated_at=now,
        ),
        due_at=now + 60,
    )
    pending(number, office.wiring, AMOUNT)
    paid(number, office.wiring, AMOUNT)
    assert office.stored(number).status is Status.PAID
    return number


def _refund_id(place: int) -> str:
    return f"5030000708{20270115000000000 + place:017d}00"


# ---- what was, to be compared with ----


def as_before(item: Mapping[str, Any]) -> Item:
    """The item as it was kept when each entry and each record still held all that is known without it."""
    old: Item = copied(dict(item))
    for entry in (entry["M"] for entry in old["history"]["L"]):
        if "out_refund_no" in entry:
            amount = old["refunds"]["M"][entry["out_refund_no"]["S"]]["M"]["amount"]
            entry.setdefault(
                "refund_status", {"S": "REQUESTED" if "event" in entry else RefundStatus.PROCESSING.value}
            )
            entry.setdefault("amount", amount)
    for number, record in old["refunds"]["M"].items():
        record["M"]["claim"] = {"S": "4f1c2d3e5a6b7c8d9e0f1a2b3c4d5e6f"}
        if record["M"]["status"]["S"] == "SUCCEEDED":
            record["M"]["settled_at"] = record["M"]["created_at"]
        else:
            record["M"]["wechat_request"] = {"S": json.dumps(_request(old, number))}
    return old


def by_pynamodb(raw: dict[str, Any]) -> Payment:
    """An item decoded as pynamodb does it, attribute by attribute, with its whole history."""
    item = PaymentItem(_user_instantiated=False)
    item.deserialize(raw)
    values = {f.name: value for f in fields(Payment) if (value := getattr(item, f.name, None)) is not None}
    values["status"] = Status(item.status)
    values["history"] = history.read(item.history)
    values["refunds"] = {
        number: Refund(
            out_refund_no=number,
            **{
                name: value
                for name, value in {**record, "status": RefundStatus(record["status"])}.items()
                if name in {f.name for f in fields(Refund)}
            },
        )
        for number, record in item.refunds.as_dict().items()
    }
    values["held"] = tuple(item.held or ())
    return Payment(**values)


def whole(image: Mapping[str, Any]) -> tuple[HistoryEntry, ...]:
    """An image of the stream read to the end, as it was for each event."""
    item = {name: history.plain(value) for name, value in image.items()}
    return history.read(item["history"])


def _request(item: Mapping[str, Any], number: str) -> dict[str, Any]:
    return {
        "transaction_id": item["transaction_id"]["S"],
        "out_refund_no": number,
        "notify_url": "https://pay.example.com/api/v1/payments/wechat/notify",
        "amount": {"refund": REFUND, "total": AMOUNT, "currency": CURRENCY},
        "reason": item["refunds"]["M"][number]["M"]["reason"]["S"],
    }


# ---- processor time ----


@dataclass
class Canned:
    """The store over botocore's own client, which is answered at once with an item that never changes."""

    item: Item

    def __enter__(self) -> Self:
        self._bodies = [
            json.dumps({name: self.item}, separators=(",", ":"), ensure_ascii=False).encode()
            for name in ("Item", "Attributes")
        ]
        self.payments = PaymentStore(payments_table="payments", due_shards=4)
        self.refunds = RefundStore(due_shards=4)
        self._events = PaymentItem._get_connection().connection.client.meta.events
        self._events.unregister("before-send", unique_id=SENDER)  # every handler is called: nothing goes out
        self._events.register_first("before-send.dynamodb", self._answer)
        return self

    def __exit__(self, *_: object) -> None:
        self._events.unregister("before-send.dynamodb", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        body = self._bodies[request.headers["X-Amz-Target"].endswith(b"UpdateItem")]
        headers = {"x-amz-crc32": str(zlib.crc32(body)), "content-type": "application/x-amz-json-1.0"}
        answer = AWSResponse(request.url, 200, headers, None)
        answer._content = body
        return answer


def seconds_of(call: Callable[[], object], times: int) -> float:
    """Processor seconds of one call, by so many of them."""
    began = process_time()
    for _ in range(times):
        call()
    return (process_time() - began) / times


def _items() -> dict[str, Item]:
    found = {}
    with MemoryDynamoDB.from_template() as db:
        for name, steps in {"ended": (0, 10, 40), "on their way": (10, 40)}.items():
            db.clear()
            growth = Growth(Office(db))
            for count in steps:
                growth.refund(count, ended=name == "ended")
                found[f"{len(growth.office.sent)} {name}"] = growth.item
    return found


def main() -> None:
    """Print both tables: what the table is billed for, and medians of processor time, both ways by turns in one process."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="turns of each way (default %(default)s)")
    rounds = parser.parse_args().rounds
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1"}
    os.environ |= {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    logging.disable()
    items = _items()
    print("| refunds | bytes before | after | write units of an update before | after |")
    print("|---|---|---|---|---|")
    for name, item in items.items():
        # An update is billed by the larger of the two items, before and after it; these are as it leaves them.
        sizes = [item_bytes(as_before(item)), item_bytes(item)]
        units = [math.ceil(size / WRITE_UNIT) for size in sizes]
        print(f"| {name} | {sizes[0]:,} | {sizes[1]:,} | {units[0]} | {units[1]} |")
    print()
    print(
        "| refunds | ms of a read before | after | of it decoding before | after "
        "| ms of an update before | after | of its events before | after |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, item in items.items():
        if "way" not in name:
            print(f"| {name} | " + " | ".join(f"{ms:.2f}" for ms in _milliseconds(item, rounds)) + " |")


def _milliseconds(item: Item, rounds: int) -> list[float]:
    blocks: list[list[float]] = []
    old = as_before(item)
    seen = payment_of(item)
    news = RefundNews("notification", 1_800_000_000)
    seen = replace(seen, refunds=seen.refunds | {"RFX": Refund("RFX", RefundStatus.PROCESSING, 1, 0)})
    earlier = item | {"history": {"L": item["history"]["L"][:-1]}}
    for _ in range(rounds):
        with Canned(old) as before:
            read = seconds_of(lambda: before.payments.get("WX"), 10)
            update = seconds_of(lambda: before.refunds.settle_success(seen, "RFX", news), 10)
        decoding = [seconds_of(lambda: by_pynamodb(old), 10), seconds_of(lambda: payment_of(old), 10)]
        with Canned(item) as after:
            read_now = seconds_of(lambda: after.payments.get("WX"), 10)
            update_now = seconds_of(lambda: after.refunds.settle_success(seen, "RFX", news), 10)
        more = decoding[0] - decoding[1]  # what the store's read and update took longer before
        events = [
            seconds_of(lambda: whole(old), 10),
            seconds_of(lambda: list(entries_of(earlier, item, bus="")), 10),
        ]
        decoded = seconds_of(lambda: payment_of(item), 10)
        blocks.append([read + more, read_now, decoding[0], decoded, update + more, update_now, *events])
    return [1000 * median(column) for column in zip(*blocks, strict=True)]


if __name__ == "__main__":
    main()
