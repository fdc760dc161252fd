"""A run of a day in this process: the tables in memory, a bucket, a queue, a bus and WeChat Pay that answer as they are told."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import Any

from botocore.exceptions import ClientError

from payments.core import history
from payments.core.books.bill_day import BillDay, KeptBill
from payments.core.books.bill_text import BillKind
from payments.core.books.differences import Difference
from payments.core.books.journal import changes
from payments.core.books.rows import FundRow, TradeRow
from payments.core.payment import Payment
from payments.storage.books.bill_files import BillFiles
from payments.storage.books.work import WorkFiles
from payments.storage.tables import PaymentItem
from payments.use_cases.books.messages import Message
from payments.use_cases.books.stages import begin_comparing, work_on
from payments.wiring import Wiring
from tests.books.bills import fund_bill, trade_bill
from tests.books.days import DAY, Day
from tests.kit.dynamodb import MemoryDynamoDB, Operation
from tests.payments.stage import Script

RUN = "run-1"
NOW = 1_796_000_000


class DiedError(BaseException):
    """The process ends here: nobody handles it."""


class Effects:
    """Counts what changes something outside, and dies before or after some of them (`deaths`, by their numbers)."""

    def __init__(self) -> None:
        self.count = 0
        self.deaths: dict[int, str] = {}

    def happen(self, effect: Callable[[], Any]) -> Any:
        """One more effect."""
        self.count += 1
        how = self.deaths.get(self.count)
        if how == "before":
            raise DiedError
        answer = effect()
        if how is not None:
            raise DiedError
        return answer


class Bucket:
    """An S3 client of one bucket."""

    def __init__(self, effects: Effects) -> None:
        self.objects: dict[str, bytes] = {}
        self._effects = effects

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        def put() -> dict[str, Any]:
            self.objects[Key] = Body
            return {"ETag": f'"{len(Body)}"'}

        answer: dict[str, Any] = self._effects.happen(put)
        return answer

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        body = self.objects[Key]
        if Range:
            first, last = Range.removeprefix("bytes=").split("-")
            body = body[int(first) : int(last) + 1]
        return {"Body": io.BytesIO(body)}

    def generate_presigned_url(self, operation: str, *, Params: dict[str, str], ExpiresIn: int) -> str:  # noqa: N803
        return f"https://bills.example/{operation}/{Params['Key']}?seconds={ExpiresIn}"


class Queue:
    """An SQS client; a message leaves only when whoever has it has done its work."""

    def __init__(self, effects: Effects) -> None:
        self.waiting: list[dict[str, Any]] = []
        self.sent = 0
        self._effects = effects

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        def send() -> dict[str, Any]:
            self.waiting += [json.loads(entry["MessageBody"]) for entry in Entries]
            self.sent += len(Entries)
            return {"Failed": []}

        answer: dict[str, Any] = self._effects.happen(send)
        return answer


class Bus:
    """An EventBridge client."""

    def __init__(self, effects: Effects) -> None:
        self.entries: list[dict[str, Any]] = []
        self._effects = effects

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        def put() -> dict[str, Any]:
            self.entries += Entries
            return {"FailedEntryCount": 0, "Entries": [{} for _ in Entries]}

        answer: dict[str, Any] = self._effects.happen(put)
        return answer


class BooksWiring(Wiring):
    """Its clock stands still, and it keeps what is measured."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        environment = {
            "BILLS_TABLE": "BillsTable",
            "JOURNAL_TABLE": "JournalTable",
            "BILLS_BUCKET": "bills",
            "BOOKS_QUEUE": "books",
            "EVENT_BUS": "bus",
            "DUE_SHARDS": "4",
            "WECHAT_MCH_ID": "1900000109",
        }
        super().__init__({**db.environment, **environment})
        self.time: float = NOW
        self.measured: dict[str, float] = {}

    def now(self) -> float:
        return self.time

    def measure(self, values: Any, unit: str = "Count", **dimensions: str) -> None:
        self.measured |= values


class World:
    """A stack whose books are compared."""

    def __init__(self, db: MemoryDynamoDB) -> None:
        self.db, self.effects = db, Effects()
        db.around = self._around
        self.wiring: Any = BooksWiring(db)
        self.wechat = Script()
        self.bucket, self.queue, self.bus = Bucket(self.effects), Queue(self.effects), Bus(self.effects)
        self._connect(self.wiring)

    def _connect(self, wiring: Any) -> None:
        wiring.__dict__ |= {
            "wechat": self.wechat,
            "queue": self.queue,
            "events": self.bus,
            "bill_files": BillFiles(bucket="bills", mchid="1900000109", client=self.bucket),
            "work_files": WorkFiles(bucket="bills", client=self.bucket),
        }

    def _around(self, operation: Operation, run: Callable[[], Any]) -> Any:
        return self.effects.happen(run) if operation.writes else run()

    def keep(self, *payments: Payment, in_journal: bool = True) -> None:
        """Payments in the table, as they are, and what follows from them in the journal."""
        for payment in payments:
            assert self.wiring.store is not None  # whose table it is
            _item(payment).save()
            if in_journal:
                self.wiring.journal.write(changes([None, payment]), now=NOW)

    def fetched(self, day: Day, *, bill_date: str = DAY, run: str = RUN) -> BillDay:
        """The day's bills in the bucket, as a run has fetched them."""
        wiring = self.wiring
        wiring.bills.claim(bill_date, run, now=NOW)
        kept = {}
        for kind, rows, written in (
            (BillKind.TRADE, day.trade, _trade_text(day.trade)),
            (BillKind.FUND, day.fund, _fund_text(day.fund)),
        ):
            if rows:
                index = wiring.bill_files.write(kind, bill_date, [written])
                kept[kind.value] = KeptBill(rows=index.rows, parts=len(index.members), sha1="00")
            else:
                kept[kind.value] = KeptBill()
        found: BillDay = wiring.bills.keep_bill(bill_date, run, kept, now=NOW)
        return found

    def compare(self, day: Day, *, bill_date: str = DAY, run: str = RUN) -> BillDay:
        """A whole run of a day; how it ends."""
        self.begin(self.fetched(day, bill_date=bill_date, run=run))
        self.deliver()
        return self.day(bill_date)

    def begin(self, day: BillDay) -> None:
        """Everything after the bills are there, as far as it is done at once."""
        begin_comparing(day, self.wiring)

    def deliver(self, times: int = 1) -> None:
        """Every message that waits, each so many times, until none does."""
        while self.queue.waiting:
            for _ in range(times):
                work_on(Message.of(self.queue.waiting[0]), self.wiring)
            self.queue.waiting.pop(0)

    def deliver_one(self) -> None:
        """The message that has waited longest."""
        work_on(Message.of(self.queue.waiting[0]), self.wiring)
        self.queue.waiting.pop(0)

    def day(self, bill_date: str = DAY) -> BillDay:
        """Where the day stands."""
        found = self.wiring.bills.day(bill_date)
        assert found is not None
        day: BillDay = found
        return day

    def differences(self, bill_date: str = DAY) -> list[Difference]:
        """What is listed of the day, by key."""
        day = self.day(bill_date)
        listed = [each.difference for each in self.wiring.results.differences(bill_date, day.run)]
        return sorted(listed, key=lambda each: each.key)

    def found(self, bill_date: str = DAY) -> set[tuple[str, str, bool]]:
        """Kind, what it is about, and whether it was repaired, of each."""
        return {(each.kind.value, each.about, each.repaired) for each in self.differences(bill_date)}

    def payment(self, number: str) -> Payment:
        """A payment as it is now."""
        found = self.wiring.store.get(number)
        assert found is not None
        payment: Payment = found
        return payment


def _item(payment: Payment) -> PaymentItem:
    values = {f.name: value for f in fields(payment) if _is_there(value := getattr(payment, f.name))}
    values["status"] = payment.status.value
    values["history"] = [history.stored(status=payment.status, cause="test", at=0)]
    values["refunds"] = {
        number: {
            name: value
            for name, value in asdict(replace(refund, status=refund.status.value)).items()  # type: ignore[arg-type]
            if name != "out_refund_no" and _is_there(value)
        }
        for number, refund in payment.refunds.items()
    }
    return PaymentItem(**values)


def _is_there(value: object) -> bool:
    return value is not None and value is not False and value != ()


def _yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02}"


def _fee(fee: int) -> str:
    return f"{'-' if fee < 0 else ''}{abs(fee) // 100_000}.{abs(fee) % 100_000:05}"


def _trade_text(rows: list[TradeRow]) -> bytes:
    sums = {
        "总交易单数": str(len(rows)),
        "应结订单总金额": _yuan(sum(row.settlement_total for row in rows)),
        "退款总金额": _yuan(sum(row.refund_settlement for row in rows)),
        "充值券退款总金额": _yuan(sum(row.refund_coupon for row in rows)),
        "手续费总金额": _fee(sum(row.fee for row in rows)),
        "订单总金额": _yuan(sum(row.total or 0 for row in rows)),
        "申请退款总金额": _yuan(sum(row.refund_total or 0 for row in rows)),
    }
    return trade_bill(*map(_trade_values, rows), sums=sums)


def _trade_values(row: TradeRow) -> dict[str, str]:
    return {
        "交易时间": row.at,
        "公众账号ID": row.appid,
        "商户号": row.mchid,
        "微信订单号": row.transaction_id,
        "商户订单号": row.out_trade_no,
        "交易类型": row.trade_type,
        "交易状态": row.state,
        "货币种类": row.currency,
        "应结订单金额": _yuan(row.settlement_total),
        "代金券金额": _yuan(row.coupon),
        "微信退款单号": row.refund_id or "0",
        "商户退款单号": row.out_refund_no or "0",
        "退款金额": _yuan(row.refund_settlement),
        "充值券退款金额": _yuan(row.refund_coupon),
        "退款状态": row.refund_state or "",
        "商品名称": "=1+1,`Course",
        "手续费": _fee(row.fee),
        "订单金额": _yuan(row.total or 0),
        "申请退款金额": _yuan(row.refund_total or 0),
    }


def _fund_text(rows: list[FundRow]) -> bytes:
    incomes, expenses = [row for row in rows if row.amount > 0], [row for row in rows if row.amount <= 0]
    sums = {
        "资金流水总笔数": f"{len(rows)}.0",
        "收入笔数": f"{len(incomes)}.0",
        "收入金额": _yuan(sum(row.amount for row in incomes)),
        "支出笔数": f"{len(expenses)}.0",
        "支出金额": _yuan(-sum(row.amount for row in expenses)),
    }
    return fund_bill(*map(_fund_values, rows), sums=sums)


def _fund_values(row: FundRow) -> dict[str, str]:
    return {
        "记账时间": row.at,
        "微信支付业务单号": row.wechat_number,
        "资金流水单号": row.fund_number,
        "业务名称": row.name,
        "业务类型": row.kind,
        "收支类型": "收入" if row.amount > 0 else "支出",
        "收支金额(元)": _yuan(abs(row.amount)),
        "账户结余(元)": _yuan(row.balance),
        "备注": row.remark,
        "业务凭证号": row.voucher,
    }
