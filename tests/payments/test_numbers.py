"""What tells two requests apart, and what must not: stored orders are compared with fingerprints for ever."""

from decimal import Decimal

import pytest

from payments.core import identifiers
from payments.core.identifiers import fingerprint

FORMS: list[object] = [
    *(1, Decimal("1.0"), Decimal("1.5"), "1.5", True, None, [], {}),
    *({"Decimal": "1.5"}, {"Decimal": "1.0"}, {"Decimal": Decimal("1.5")}, {"Decimal": {"Decimal": "1.5"}}),
    *({"~Decimal": "1.5"}, {"~~Decimal": "1.5"}, {"~Decimal": Decimal("1.5")}, {"Decimal": "1.5", "and": 1}),
    *([Decimal("1.5")], [{"Decimal": "1.5"}], {"a": Decimal("1.5")}, {"a": {"Decimal": "1.5"}}),
]


def test_no_two_different_requests_share_a_fingerprint() -> None:
    assert len({fingerprint({"metadata": form}) for form in FORMS}) == len(FORMS)


def test_the_order_of_a_request_s_members_is_no_part_of_it() -> None:
    one = {"amount": 1, "metadata": {"a": 1, "b": [{"c": 1, "d": 2}]}}
    other = {"metadata": {"b": [{"d": 2, "c": 1}], "a": 1}, "amount": 1}
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint({"a": [1, 2]}) != fingerprint({"a": [2, 1]})


@pytest.mark.parametrize(
    ("request_", "known"),
    [
        ({"amount": 1000, "metadata": None}, "FTQYIHWZJWFO22VDBQQVS6DMN2"),
        (
            {"metadata": {"a": Decimal("1.5"), "b": [Decimal("1E+2"), {"c": "x"}]}},
            "Z2BF6BVU3SDRVXMRBWACCPCEOT",
        ),
        ({"metadata": {"Decimal": "1.5", "more": 1}}, "TT2WVTFQYDI7U72BY736NDL6NI"),
    ],
)
def test_what_was_stored_long_ago_is_still_the_same_request(request_: dict[str, object], known: str) -> None:
    assert fingerprint(request_) == known


def test_numbers_that_were_derived_long_ago_are_derived_still() -> None:
    """Stored orders and refunds are found by them, and WeChat Pay knows them."""
    assert (
        identifiers.out_trade_no(scope="s", route="native", caller="c", key="k")
        == "WX6HKWYJPOOSCDWF2TJIKZPIOO2D"
    )
    assert (
        identifiers.out_trade_no_of_quote(scope="s", route="native", caller="c", jti="k")
        == "WXFA32U7KCXXITYIJKIKPDDLHCIL"
    )
    assert identifiers.payment_id("WX1") == "PAYRFWKZYLKJYINVUKWWCPDUZUWCV"
    assert (
        identifiers.out_refund_no_with_key(out_trade_no="WX1", caller="c", key="k")
        == "RFCQIL2VZ5WIUCCGJR2QADX47N6Z"
    )
    auto = identifiers.out_refund_no_without_key(out_trade_no="WX1", refund_count=0, amount=300, reason=None)
    assert auto == "RFQVBG4QQYMZK64GQDMFR2WLDXFU"
    auto = identifiers.out_refund_no_without_key(out_trade_no="WX1", refund_count=1, amount=300, reason="照")
    assert auto == "RFO5CBYF6BZX74VXUUV55LL7WEWN"
    assert identifiers.caller_hash("c") == "UFNGJASPKYWR7WHVJTSODPY6KQ"


def test_a_random_number_is_made_of_all_the_randomness_that_fits() -> None:
    assert identifiers.random_number("WX", bytes(range(20))) == "WXAAAQEAYEAUDAOCAJBIFQYDIOB4"
