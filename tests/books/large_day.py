"""Compares a day of so many rows, and tells what that took: python -m tests.books.large_day 100000

The bills are read from files, as from a bucket. Payments and journal are made up when they are asked for, by a table that answers at
once: what is measured is this code, and how often it asks. A tenth of the rows are refunds.
"""

import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from payments.core.books.bill_day import KeptBill
from payments.core.books.bill_text import BillKind
from payments.core.books.journal import shard_of
from payments.storage.books.bill_files import BillFiles
from payments.storage.books.work import WorkFiles
from payments.use_cases.books.messages import Message
from payments.use_cases.books.stages import begin_comparing, work_on
from tests.books.bills import FUND_COLUMNS, FUND_SUMS, TRADE_COLUMNS, TRADE_SUMS, Written
from tests.books.days import DAY
from tests.books.large_bill import peak_bytes
from tests.books.world import BooksWiring, Bus, Effects, Queue
from tests.kit.dynamodb import MemoryDynamoDB

FEN, REFUNDED, FEE, FEE_BACK = 1000, 500, 6, 3
PAGE = 2_000  # rows of the journal that one query reads
AT = f"{DAY}T12:00:00+08:00"
_BILL_AT = f"{DAY} 12:00:00"


class Disk:
    """An S3 client of one bucket in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.puts, self.gets = folder, 0, 0
        self._uploads = 0

    def _path(self, key: str) -> Path:
        return self.folder / key.replace("/", "~")

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.puts += 1
        self._path(Key).write_bytes(Body)
        return {"ETag": '"1"'}

    def create_multipart_upload(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self._path(Key).write_bytes(b"")
        return {"UploadId": "1"}

    def upload_part(self, *, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.puts += 1
        with self._path(Key).open("ab") as file:
            file.write(Body)
        return {"ETag": '"1"'}

    def complete_multipart_upload(self, **_: Any) -> dict[str, Any]:
        return {"ETag": '"1"'}

    def get_object(self, *, Key: str, Range: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        self.gets += 1
        if not Range:
            return {"Body": _Content(self._path(Key).read_bytes())}
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        with self._path(Key).open("rb") as file:
            file.seek(first)
            content = file.read(last + 1 - first)
        return {"Body": _Content(content)}


class _Content:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


class MadeUp(MemoryDynamoDB):
    """Payments and journal of a day of `rows` rows, made up when they are asked for; the other tables are in memory."""

    rows = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.asked: Counter[str] = Counter()

    def handed_over(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """What DynamoDB would answer."""
        table = request["TableName"] if "TableName" in request else next(iter(request["RequestItems"]))
        self.asked[f"{name} {table}"] += 1
        if table == "PaymentsTable" and name == "BatchGetItem":
            keys = request["RequestItems"][table]["Keys"]
            return {"Responses": {table: [_payment(key["out_trade_no"]["S"]) for key in keys]}}
        if table == "PaymentsTable":
            return {}
        if table == "JournalTable":
            return self._journal(request)
        return super().handed_over(name, request)

    def _journal(self, request: dict[str, Any]) -> dict[str, Any]:
        (shard,) = (
            value["S"] for value in request["ExpressionAttributeValues"].values() if "#" in value.get("S", "")
        )
        number = int(request.get("ExclusiveStartKey", {"row": {"S": "-1"}})["row"]["S"]) + 1
        items: list[dict[str, Any]] = []
        while number < self.rows and len(items) < PAGE:
            if shard_of(_out_trade_no(number)) == int(shard.partition("#")[2]):
                items.append(_movement(number))
            number += 1
        answer: dict[str, Any] = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        if number < self.rows:
            answer["LastEvaluatedKey"] = {"day_shard": {"S": shard}, "row": {"S": str(number - 1)}}
        return answer


def _is_refund(number: int) -> bool:
    return number % 10 == 9


def _out_trade_no(number: int) -> str:
    return f"WX{number - _is_refund(number):026}"


def _payment(out_trade_no: str) -> dict[str, Any]:
    number = int(out_trade_no[2:])
    texts = {
        "out_trade_no": out_trade_no,
        "payment_id": f"PAY{number:026}",
        "user_id": "user-1",
        "content_id": "content-1",
        "method": "native",
        "subject": "A thing",
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "currency": "CNY",
        "fingerprint": "F",
        "wechat_request": "{}",
        "status": "PAID",
        "transaction_id": f"42{number:026}",
        "trade_state": "SUCCESS",
        "success_time": AT,
    }
    whole = {"amount": FEN, "paid": FEN, "refundable": FEN, "refunding": 0, "refunded": 0, "refund_count": 0}
    whole |= {"version": 3, "time_expire": 1, "created_at": 1, "updated_at": 1, "sent_at": 1}
    refunds: dict[str, Any] = {}
    if _is_refund(number + 1):
        told = {"status": "PROCESSING", "refund_id": f"50{number:026}", "create_time": AT}
        record = {name: {"S": value} for name, value in told.items()}
        record |= {"amount": {"N": str(REFUNDED)}, "created_at": {"N": "1"}}
        refunds[f"RF{number:026}"] = {"M": record}
    return {
        **{name: {"S": value} for name, value in texts.items()},
        **{name: {"N": str(value)} for name, value in whole.items()},
        "refunds": {"M": refunds},
        "history": {"L": []},
    }


def _movement(number: int) -> dict[str, Any]:
    texts = {
        "kind": "paid",
        "out_trade_no": _out_trade_no(number),
        "transaction_id": f"42{number:026}",
        "at": AT,
        "day": DAY,
    }
    amount = FEN
    if _is_refund(number):
        paid, amount = number - 1, REFUNDED
        texts |= {"kind": "refund", "out_refund_no": f"RF{paid:026}", "refund_id": f"50{paid:026}"}
        texts |= {"transaction_id": f"42{paid:026}", "refund_status": "PROCESSING"}
    return {**{name: {"S": value} for name, value in texts.items()}, "amount": {"N": str(amount)}}


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def _bill(
    columns: tuple[str, ...],
    rows: Iterator[dict[str, str]],
    sums_columns: tuple[str, ...],
    sums: dict[str, str],
) -> Iterator[bytes]:
    """The pieces of a bill's text."""
    yield (",".join(columns) + "\r\n").encode("utf-8-sig")
    for row in rows:
        yield (Written.row(columns, row) + "\r\n").encode()
    yield (",".join(sums_columns) + "\r\n" + Written.row(sums_columns, sums) + "\r\n").encode()


def trade_text(rows: int) -> Iterator[bytes]:
    """The trade bill of such a day."""
    refunds = sum(map(_is_refund, range(rows)))
    paid = rows - refunds
    fee = (paid * FEE - refunds * FEE_BACK) * 1000
    values = (
        str(rows),
        _yuan(paid * FEN),
        _yuan(refunds * REFUNDED),
        "0.00",
        f"{fee // 100_000}.{fee % 100_000:05}",
        _yuan(paid * FEN),
        _yuan(refunds * REFUNDED),
    )
    return _bill(
        TRADE_COLUMNS, map(_trade_row, range(rows)), TRADE_SUMS, dict(zip(TRADE_SUMS, values, strict=True))
    )


def _trade_row(number: int) -> dict[str, str]:
    about = {
        "交易时间": _BILL_AT,
        "公众账号ID": "wx8888888888888888",
        "商户号": "1900000109",
        "商户订单号": _out_trade_no(number),
        "交易类型": "NATIVE",
        "货币种类": "CNY",
        "代金券金额": "0.00",
        "充值券退款金额": "0.00",
        "商品名称": "A thing",
    }
    if not _is_refund(number):
        return about | {
            "微信订单号": f"42{number:026}",
            "交易状态": "SUCCESS",
            "应结订单金额": _yuan(FEN),
            "微信退款单号": "0",
            "商户退款单号": "0",
            "退款金额": "0.00",
            "手续费": f"{_yuan(FEE)}000",
            "订单金额": _yuan(FEN),
            "申请退款金额": "0.00",
        }
    return about | {
        "微信订单号": f"42{number - 1:026}",
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "微信退款单号": f"50{number - 1:026}",
        "商户退款单号": f"RF{number - 1:026}",
        "退款金额": _yuan(REFUNDED),
        "退款状态": "PROCESSING",
        "手续费": f"-{_yuan(FEE_BACK)}000",
        "订单金额": "0.00",
        "申请退款金额": _yuan(REFUNDED),
    }


def fund_text(rows: int) -> Iterator[bytes]:
    """The fund-flow bill of such a day."""
    refunds = sum(map(_is_refund, range(rows)))
    paid = rows - refunds
    values = (
        f"{2 * paid + refunds}.0",
        f"{paid}.0",
        _yuan(paid * FEN),
        f"{paid + refunds}.0",
        _yuan(paid * FEE + refunds * (REFUNDED - FEE_BACK)),
    )
    movements = (row for number in range(rows) for row in _fund_rows(number))
    return _bill(FUND_COLUMNS, movements, FUND_SUMS, dict(zip(FUND_SUMS, values, strict=True)))


def _fund_rows(number: int) -> Iterator[dict[str, str]]:
    about = {"记账时间": _BILL_AT, "资金流水单号": str(number), "账户结余(元)": "0.00", "业务凭证号": "V"}
    if _is_refund(number):
        gone = _yuan(REFUNDED - FEE_BACK)
        back = {"业务名称": "退款", "业务类型": "退款", "收支类型": "支出", "收支金额(元)": gone}
        yield about | back | {"微信支付业务单号": f"50{number - 1:026}"}
        return
    for kind, direction, fen in (("交易", "收入", FEN), ("扣除交易手续费", "支出", FEE)):
        moved = {"业务名称": "交易", "业务类型": kind, "收支类型": direction, "收支金额(元)": _yuan(fen)}
        yield about | moved | {"微信支付业务单号": f"42{number:026}"}


def measured(rows: int, folder: Path) -> dict[str, Any]:
    """What a day of so many rows took: processor seconds by stage and of the longest part, requests, bytes of memory at most."""
    seconds: defaultdict[str, float] = defaultdict(float)
    longest = 0.0
    with MadeUp.from_template() as db:
        db.rows = rows
        wiring: Any = BooksWiring(db)
        bucket, effects = Disk(folder), Effects()
        queue, bus = Queue(effects), Bus(effects)
        files = BillFiles(bucket="bills", mchid="1900000109", client=bucket)
        work_files = WorkFiles(bucket="bills", client=bucket)
        wiring.__dict__ |= {"queue": queue, "events": bus, "bill_files": files, "work_files": work_files}
        wiring.bills.claim(DAY, "run-1", now=1)
        kept = {}
        for kind, text in ((BillKind.TRADE, trade_text(rows)), (BillKind.FUND, fund_text(rows))):
            index = files.write(kind, DAY, text)
            kept[kind.value] = KeptBill(rows=index.rows, parts=len(index.members), sha1="00")
        day = wiring.bills.keep_bill(DAY, "run-1", kept, now=1)
        bucket.puts = bucket.gets = 0
        db.asked.clear()
        begin_comparing(day, wiring)
        while queue.waiting:
            message = Message.of(queue.waiting[0])
            began = time.process_time()
            work_on(message, wiring)
            took = time.process_time() - began
            seconds[message.stage] += took
            longest = max(longest, took)
            queue.waiting.pop(0)
        found = wiring.bills.day(DAY)
    return {
        "rows": rows,
        "status": found.status.value,
        "differences": found.results["differences"],
        "messages": queue.sent,
        "seconds": {stage: round(taken, 1) for stage, taken in seconds.items()},
        "longestPart": round(longest, 1),
        "dynamodb": dict(db.asked),
        "s3": {"puts": bucket.puts, "gets": bucket.gets},
        "peakBytes": peak_bytes(),
    }


def main() -> None:
    """Tell it as JSON."""
    folder = Path(tempfile.mkdtemp())
    try:
        print(json.dumps(measured(int(sys.argv[1]), folder), indent=1))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
