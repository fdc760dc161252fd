"""A difference between a day's bills and our records: what it is called, what it is about, and who says what."""

from dataclasses import dataclass
from enum import StrEnum

from payments.core.money import yuan

FEE_UNITS_PER_FEN = 1000  # bills give fees five decimals of a yuan


class DifferenceKind(StrEnum):
    """What does not agree."""

    UNKNOWN_HERE = "unknown_here"  # the bill has a payment that we have not, or has it twice
    UNKNOWN_THERE = "unknown_there"  # money of ours that the bill does not have
    AMOUNT = "amount"
    STATE = "state"  # paid or refunded there, and not here, or the other way round
    REFUND_UNKNOWN_HERE = "refund_unknown_here"  # made in the merchant console, as a rule
    COUPON = "coupon"  # what coupons paid
    OTHER_DAY = "other_day"  # both have it, on days beside each other
    FEE = "fee"  # of the trade bill, against what the fund-flow bill took
    SUM = "sum"  # of a bill's own sums, of the two bills, or of a day's movements here


@dataclass(frozen=True)
class Difference:
    """One difference. `bill` and `ours` are what either side says, in words for a person; None where it says nothing.

    `awaits` is the neighbouring day whose bills must have what these lack, while that is not known; if they have it not, this
    becomes a difference of the kind `becomes`. `moved` is the money that one bill lacks of it, in hundred-thousandths of a yuan, and
    negative where it leaves: the neighbouring day's must have as much.
    """

    kind: DifferenceKind
    about: str  # what it is about, the same in each run: `paid#…`, `refund#…`, `fund#…`, `sum#…`
    bill: str | None = None
    ours: str | None = None
    out_trade_no: str | None = None
    out_refund_no: str | None = None
    wechat_number: str | None = None
    line: int | None = None  # of the bill's text
    repaired: bool = False  # a signed query has explained it, and our records say now what it said
    awaits: str | None = None
    becomes: DifferenceKind | None = None
    moved: int | None = None  # None where amounts are compared by themselves

    def is_made_good_by(self, other: "Difference") -> bool:
        """Whether the neighbouring day has, as `other`, what this one lacks: of the same thing, and as much up to a fen."""
        if self.moved is None or other.moved is None:
            return self.about == other.about
        return self.about == other.about and abs(self.moved - other.moved) < FEE_UNITS_PER_FEN

    @property
    def key(self) -> str:
        """Its name within one run: the same however often a part of that run is worked on."""
        return f"{self.about}#{self.kind.value}" + ("" if self.line is None else f"#{self.line}")


def paid_key(out_trade_no: str) -> str:
    """What a payment's differences are about."""
    return f"paid#{out_trade_no}"


def refund_key(out_trade_no: str, out_refund_no: str) -> str:
    """What a refund's differences are about."""
    return f"refund#{out_trade_no}#{out_refund_no}"


def fund_key(wechat_number: str) -> str:
    """What the differences between the two bills are about: one payment or refund of WeChat Pay's."""
    return f"fund#{wechat_number}"


def unwritten(partition: int, count: int, out_trade_no: str) -> Difference:
    """Of a partition's orders so many movements are not in the journal, one of them of this order: what follows from it is not all."""
    return Difference(
        DifferenceKind.SUM,
        f"sum#journal#{partition}",
        ours=f"the journal lacks {count} movements of payments that the bill has, of {out_trade_no} for one;"
        " what the bill lacks cannot be told before `make journal`",
    )


def money(fen: int, currency: str = "CNY") -> str:
    """An amount in words: `19.90 CNY`."""
    return f"{yuan(fen)} {currency}"


def fee_text(fee: int) -> str:
    """A fee in hundred-thousandths of a yuan as yuan: two decimals, or as many as it has, five at most."""
    if fee % FEE_UNITS_PER_FEN == 0:
        return str(yuan(fee // FEE_UNITS_PER_FEN))
    sign, digits = ("-" if fee < 0 else ""), f"{abs(fee):06}"
    return f"{sign}{digits[:-5]}.{digits[-5:]}".rstrip("0")
