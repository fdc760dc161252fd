"""A bill lies in the bucket as WeChat Pay made it, is read part by part, and is there whole or not at all."""

import gzip
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from payments.core.books.bill_members import MAX_ROWS
from payments.core.books.bill_text import BillFormatError, BillKind, lines
from payments.core.books.bills import parse_fund, parse_trade
from payments.core.errors import StorageUnavailableError
from payments.storage.books import uploads
from payments.storage.books.bill_files import BillFiles
from tests.books.bills import MOVEMENT, PAYMENT, REFUND, fund_bill, trade_bill
from tests.kit.environment import local_aws

DAY = "2026-11-28"
KEY = f"bills/1900000001/trade/{DAY}.csv.gz"


@pytest.fixture(scope="module")
def s3() -> Iterator:
    with local_aws() as aws:
        aws.offer("s3")
        client = aws.client("s3")
        client.create_bucket(Bucket="bills")
        yield client


@pytest.fixture
def files(s3) -> BillFiles:
    for each in s3.list_objects_v2(Bucket="bills").get("Contents", ()):
        s3.delete_object(Bucket="bills", Key=each["Key"])
    return BillFiles(bucket="bills", mchid="1900000001", client=s3)


def pieces(text: bytes, size: int = 70_001) -> Iterator[bytes]:
    for begin in range(0, len(text), size):
        yield text[begin : begin + size]


def kept(s3) -> list[str]:
    return sorted(each["Key"] for each in s3.list_objects_v2(Bucket="bills").get("Contents", ()))


def test_any_reader_finds_the_bill_as_wechat_pay_made_it(s3, files):
    text = trade_bill(PAYMENT, REFUND)
    index = files.write(BillKind.TRADE, DAY, pieces(text, 100))
    assert gzip.decompress(s3.get_object(Bucket="bills", Key=KEY)["Body"].read()) == text
    assert index.rows == 2
    assert list(files.rows(DAY, BillKind.TRADE, 0)) == list(parse_trade(lines([text])))[:2]
    assert files.trade_sums(DAY) == list(parse_trade(lines([text])))[2]


def test_a_fund_flow_bill_lies_beside_it(s3, files):
    text = fund_bill(MOVEMENT, MOVEMENT | {"备注": "a,`b"})
    files.write(BillKind.FUND, DAY, [text])
    *rows, sums = parse_fund(lines([text]))
    assert list(files.rows(DAY, BillKind.FUND, 0)) == rows
    assert files.fund_sums(DAY) == sums
    assert kept(s3) == [f"bills/1900000001/fund/{DAY}.csv.gz", f"bills/1900000001/fund/{DAY}.index.json"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_large_bill_is_read_in_parts_with_the_lines_that_they_have_in_the_whole(
    s3, files, end, monkeypatch
):
    monkeypatch.setattr(uploads, "PART_BYTES", 5 << 20)
    many = [PAYMENT | {"商户订单号": f"WX{n * 7919 % 10**9:032}"} for n in range(2 * MAX_ROWS + 1)]
    text = trade_bill(*many, end=end)
    index = files.write(BillKind.TRADE, DAY, pieces(text))
    assert [member.rows for member in index.members] == [MAX_ROWS, MAX_ROWS, 1]
    read = [row for part in range(3) for row in files.rows(DAY, BillKind.TRADE, part)]
    assert read == list(parse_trade(lines([text])))[:-1]
    assert gzip.decompress(s3.get_object(Bucket="bills", Key=KEY)["Body"].read()) == text
    assert files.index(BillKind.TRADE, DAY) == index


def test_a_bill_without_rows_has_one_part_without_rows(files):
    index = files.write(BillKind.TRADE, DAY, [trade_bill()])
    assert (index.rows, len(index.members)) == (0, 1)
    assert list(files.rows(DAY, BillKind.TRADE, 0)) == []


def test_what_ends_with_an_error_leaves_what_was_kept_before(s3, files):
    first = trade_bill(PAYMENT)
    files.write(BillKind.TRADE, DAY, [first])

    def cut_off() -> Iterator[bytes]:
        yield trade_bill(REFUND)[:400]
        raise RuntimeError("the line is dead")

    with pytest.raises(RuntimeError):
        files.write(BillKind.TRADE, DAY, cut_off())
    assert gzip.decompress(s3.get_object(Bucket="bills", Key=KEY)["Body"].read()) == first
    assert [row.out_trade_no for row in files.rows(DAY, BillKind.TRADE, 0)] == ["WXA"]


def test_what_was_begun_in_parts_is_given_up_with_its_parts(s3, files, monkeypatch):
    monkeypatch.setattr(uploads, "PART_BYTES", 1000)

    def cut_off() -> Iterator[bytes]:
        yield from pieces(trade_bill(*[PAYMENT | {"商户订单号": f"WX{n}"} for n in range(30_000)]))
        raise RuntimeError("the line is dead")

    with pytest.raises(RuntimeError):
        files.write(BillKind.TRADE, DAY, cut_off())
    assert kept(s3) == []
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bills")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>busy</html>",
        trade_bill(PAYMENT).partition("总交易单数".encode())[0],
        trade_bill(PAYMENT).rpartition(b"\r\n`")[0],
        trade_bill(PAYMENT) + b"`1\r\n",
        trade_bill(columns=["交易时间"]),
        b"x" * 100_000,
        trade_bill(PAYMENT, sums={"应结订单总金额": "many"}),
    ],
)
def test_what_is_no_bill_is_told_last_and_not_kept(s3, files, text):
    told = []

    def whole() -> Iterator[bytes]:
        yield from pieces(text, 50)
        told.append("proven")

    with pytest.raises(BillFormatError):
        files.write(BillKind.TRADE, DAY, whole())
    assert told == ["proven"]  # a bill that was not proven must not be called badly written
    assert kept(s3) == []


def test_parts_of_a_bill_that_was_replaced_meanwhile_are_not_read_by_the_old_index(s3, files):
    files.write(BillKind.TRADE, DAY, [trade_bill(PAYMENT)])
    s3.put_object(Bucket="bills", Key=KEY, Body=gzip.compress(trade_bill(REFUND, REFUND)))
    with pytest.raises(StorageUnavailableError, match="PreconditionFailed"):
        list(files.rows(DAY, BillKind.TRADE, 0))


def test_a_link_leads_to_the_bill(s3, files):
    link = files.link(BillKind.TRADE, DAY)
    assert f"/bills/{KEY}" in link
    assert "X-Amz-Expires=300" in link or "Expires=" in link


def test_a_bill_that_nobody_fetched_is_not_there(files):
    with pytest.raises(StorageUnavailableError, match="NoSuchKey") as told:
        files.index(BillKind.TRADE, "2026-01-01")
    assert isinstance(told.value.__cause__, ClientError)
