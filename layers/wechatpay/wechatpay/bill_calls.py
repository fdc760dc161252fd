"""Calls for a day's bills: where one lies and what its hash is, which WeChat Pay signs, and the file, which nobody signs.

Source: WeChat Pay APIv3, "Trade bill", "Fund-flow bill" and "Download bill". Bills are made from nine in the morning on, Beijing
time, of the day before, and are there for three months.
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wechatpay.client import Client
from wechatpay.errors import UnknownOutcomeError, UnprovenBillError

DOWNLOAD_PATH = "/v3/billdownload/file"
MAX_PIECE_BYTES = 1 << 20  # a few bytes of a compressed file may become a thousand times as many


@dataclass(frozen=True)
class BillLink:
    """Where a bill lies, for five minutes, and the SHA-1 (hex) of its text, uncompressed."""

    download_url: str
    sha1: str


def trade_bill(client: Client, bill_date: str) -> BillLink:
    """The link to the trade bill (ALL) of a Beijing day, `2026-11-28`: payments and refunds of all appids.

    RefusedError with NO_STATEMENT_EXIST when nothing happened on that day, with STATEMENT_CREATING while it is being made.
    """
    return _link(
        client, "trade_bill", f"/v3/bill/tradebill?bill_date={bill_date}&bill_type=ALL&tar_type=GZIP"
    )


def fund_flow_bill(client: Client, bill_date: str) -> BillLink:
    """The link to the fund-flow bill of the basic account, likewise."""
    path = f"/v3/bill/fundflowbill?bill_date={bill_date}&account_type=BASIC&tar_type=GZIP"
    return _link(client, "fund_flow_bill", path)


def download(client: Client, link: BillLink) -> Iterator[bytes]:
    """The bill's text in pieces of a megabyte at most. It is WeChat Pay's only once this has ended without an error.

    UnprovenBillError when it is not the text that was signed; UnknownOutcomeError when it does not arrive, and for a link that
    leads elsewhere than to WeChat Pay: the request is signed with the merchant's key.
    """
    text_hash = hashlib.sha1(usedforsecurity=False)  # the protocol's
    for piece in unzipped(client.download(link.download_url, path=DOWNLOAD_PATH)):
        text_hash.update(piece)
        yield piece
    if text_hash.hexdigest() != link.sha1:
        raise UnprovenBillError("the file's hash is not the one that WeChat Pay has signed")


def _link(client: Client, operation: str, path: str) -> BillLink:
    answer = client.request(operation, "GET", path)
    members = [answer.members.get(name) for name in ("hash_type", "hash_value", "download_url")]
    kind, value, url = (member if isinstance(member, str) else "" for member in members)
    if kind.upper() != "SHA1" or not value or not url:
        raise UnknownOutcomeError(
            "the answer leads to no bill", http_status=answer.status, request_id=answer.request_id
        )
    return BillLink(url, value.lower())


def unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The text of a gzip file of one or more members, in pieces of a megabyte at most. UnprovenBillError where it is none."""
    member = None
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                member = member or zlib.decompressobj(wbits=31)
                piece = member.decompress(rest, MAX_PIECE_BYTES)
                rest = member.unconsumed_tail
                if member.eof:
                    rest, member = member.unused_data, None
                if piece:
                    yield piece
        while member is not None:
            piece = member.decompress(b"", MAX_PIECE_BYTES)
            if not piece and not member.eof:
                raise UnprovenBillError("the file is cut off")
            member = None if member.eof else member
            yield piece
    except zlib.error:
        raise UnprovenBillError("the file is not gzip, or damaged") from None
