"""The bills themselves, in the bucket: each as WeChat Pay made it, and with an index by which its rows are read in parts."""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal, overload

from payments.core.books.bill_members import BillIndex, MemberWriter
from payments.core.books.bill_text import BillKind, lines
from payments.core.books.bills import fund_rows, trade_rows
from payments.core.books.rows import FundRow, FundSums, TradeRow, TradeSums
from payments.core.errors import StorageUnavailableError
from payments.storage.books.uploads import Upload, asked

LINK_SECONDS = 300


class BillFiles:
    """One merchant's bills; `client` is an S3 client. Every call raises StorageUnavailableError when S3 does not answer."""

    def __init__(self, *, bucket: str, mchid: str, client: Any) -> None:
        self._bucket = bucket
        self._mchid = mchid
        self._client = client

    def write(self, kind: BillKind, bill_date: str, text: Iterable[bytes]) -> BillIndex:
        """Keep the bill whose text comes in these pieces, once the last one has come without an error of theirs.

        Until then the one that was kept before stays. Raises BillFormatError for a text that is no bill, and what `text` raises.
        """
        key = self.key(kind, bill_date)
        with Upload(self._client, self._bucket, key, "application/gzip") as upload:
            writer = MemberWriter(kind, upload.add)
            for piece in text:
                writer.feed(piece)
            index = writer.finish()
            document = {**index.document(), "etag": upload.complete()}
        self._put(self._index_key(kind, bill_date), document)
        return index

    def index(self, kind: BillKind, bill_date: str) -> BillIndex:
        """Where the parts of the bill lie."""
        return BillIndex.from_document(self._document(kind, bill_date))

    @overload
    def rows(self, bill_date: str, kind: Literal[BillKind.TRADE], part: int) -> Iterator[TradeRow]: ...
    @overload
    def rows(self, bill_date: str, kind: Literal[BillKind.FUND], part: int) -> Iterator[FundRow]: ...
    def rows(self, bill_date: str, kind: BillKind, part: int) -> Iterator[TradeRow] | Iterator[FundRow]:
        """The rows of one part, from 0, with one read of the index and one of the part. Raises BillFormatError on the way."""
        document = self._document(kind, bill_date)
        index = BillIndex.from_document(document)
        member = index.members[part]
        # Of the very object that the index is of: another run may have put a newer one there.
        given = {
            "Range": f"bytes={member.offset}-{member.offset + member.length - 1}",
            "IfMatch": document["etag"],
        }
        text = zlib.decompress(self._get(self.key(kind, bill_date), **given), wbits=31)
        of_part = lines([text], first=member.line)
        if kind is BillKind.TRADE:
            return trade_rows(index.header, of_part)
        return fund_rows(index.header, of_part)

    def trade_sums(self, bill_date: str) -> TradeSums:
        """The trade bill's own sums."""
        sums = self.index(BillKind.TRADE, bill_date).sums()
        assert isinstance(sums, TradeSums)  # noqa: S101  for mypy: what an index of this kind gives
        return sums

    def fund_sums(self, bill_date: str) -> FundSums:
        """The fund-flow bill's own sums."""
        sums = self.index(BillKind.FUND, bill_date).sums()
        assert isinstance(sums, FundSums)  # noqa: S101
        return sums

    def link(self, kind: BillKind, bill_date: str) -> str:
        """An address at which whoever has it reads the bill, as .csv.gz, for LINK_SECONDS. S3 is not asked."""
        where = {"Bucket": self._bucket, "Key": self.key(kind, bill_date)}
        url: str = self._client.generate_presigned_url("get_object", Params=where, ExpiresIn=LINK_SECONDS)
        return url

    def key(self, kind: BillKind, bill_date: str) -> str:
        """Where the bill lies."""
        return f"bills/{self._mchid}/{kind.value}/{bill_date}.csv.gz"

    def _index_key(self, kind: BillKind, bill_date: str) -> str:
        return f"bills/{self._mchid}/{kind.value}/{bill_date}.index.json"

    def _document(self, kind: BillKind, bill_date: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self._get(self._index_key(kind, bill_date)))
        return document

    def _put(self, key: str, document: dict[str, Any]) -> None:
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        asked(
            lambda: self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType="application/json"
            )
        )

    def _get(self, key: str, **given: Any) -> bytes:
        answer = asked(lambda: self._client.get_object(Bucket=self._bucket, Key=key, **given))
        try:
            content: bytes = asked(answer["Body"].read)
        except OSError as problem:  # what botocore's stream raises of its own
            raise StorageUnavailableError(type(problem).__name__) from problem
        return content
