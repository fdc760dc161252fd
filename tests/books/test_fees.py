"""What a bill says of fees is shown with the payment, in yuan and to the last decimal that it has."""

import pytest

from payments.api.responses import details
from payments.core.books.differences import fee_text
from tests.books.days import DAY, paid, refunded


@pytest.mark.parametrize(
    ("fee", "text"),
    [
        (0, "0.00"),
        (6000, "0.06"),
        (1000, "0.01"),
        (100, "0.001"),
        (1, "0.00001"),
        (120_120, "1.2012"),
        (-6000, "-0.06"),
        (-1, "-0.00001"),
        (-150_010, "-1.5001"),
        (12_300_000, "123.00"),
    ],
)
def test_a_fee_has_two_decimals_or_as_many_as_it_needs(fee: int, text: str) -> None:
    assert fee_text(fee) == text


def test_details_show_the_fee_and_the_day_once_a_bill_was_compared() -> None:
    before = refunded(paid())
    shown = details(before)
    assert "fee" not in shown
    assert "settledOn" not in shown
    after = refunded(paid(fee=6000, settled_on=DAY), fee=-1800, settled_on=DAY)
    shown = details(after)
    assert (shown["fee"], shown["settledOn"]) == ("0.06", DAY)
    refund = shown["refunds"][0]  # type: ignore[index]
    assert (refund["fee"], refund["settledOn"]) == ("-0.018", DAY)
