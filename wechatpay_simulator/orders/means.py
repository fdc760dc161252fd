"""What a buyer paid with: bank, currency, coupons; and how a refund is divided between the buyer and the coupons."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Coupon:
    """A coupon of `amount` fen (WeChat Pay APIv3, Query order: promotion_detail).

    `kind` CASH was bought by whoever gives it away, the merchant gets its money; NOCASH only lowers what is due. `paid_by` is
    `wechatpay`, `merchant` or `other`.
    """

    amount: int
    kind: str
    scope: str
    paid_by: str
    coupon_id: str
    name: str


@dataclass(frozen=True)
class Means:
    """How one order was paid; unless said otherwise from the buyer's balance."""

    bank_type: str = "OTHERS"
    payer_currency: str = "CNY"
    coupons: tuple[Coupon, ...] = ()

    @property
    def discount(self) -> int:
        """What the coupons paid, in fen; the buyer pays so much less."""
        return sum(coupon.amount for coupon in self.coupons)

    @property
    def not_due(self) -> int:
        """What nobody paid: the coupons that are no cash, in fen. It is not settled with the merchant either."""
        return self.not_due_of([coupon.amount for coupon in self.coupons])

    def not_due_of(self, parts: Sequence[int]) -> int:
        """The same of a refund of which the coupons get these parts back."""
        return sum(part for coupon, part in zip(self.coupons, parts, strict=True) if coupon.kind == "NOCASH")

    def parts_of_refund(
        self, refund: int, total: int, earlier: Sequence[tuple[int, Sequence[int]]]
    ) -> list[int]:
        """What each coupon gets back of a `refund` in fen, of an order of `total`; the buyer gets the rest.

        `earlier` are the refunds before it that were not closed, each with its own parts. The buyer's part is
        refund * payer_total / total, rounded half up (WeChat Pay APIv3, Refund: refunds of orders with coupons). Here it is
        counted over all refunds so far, so that in the end buyer and coupons have got back what they paid, to the fen.
        """
        refunded = refund + sum(amount for amount, _ in earlier)
        to_the_buyer = (2 * refunded * (total - self.discount) + total) // (2 * total)
        left = [
            coupon.amount - sum(parts[place] for _, parts in earlier)
            for place, coupon in enumerate(self.coupons)
        ]
        given = self.discount - sum(left)
        part = min(max(refunded - to_the_buyer - given, 0), refund, sum(left))
        return _divided(part, left)


FROM_BALANCE = Means()


def _divided(amount: int, shares: Sequence[int]) -> list[int]:
    """`amount` in whole parts that are to each other as `shares`, none larger than its share. It is at most their sum."""
    parts, rest = [], sum(shares)
    for share in shares:
        part = amount * share // rest if rest else 0
        parts.append(part)
        amount -= part
        rest -= share
    return parts
