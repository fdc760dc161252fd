"""What tells two requests apart, and what must not: stored orders are compared with fingerprints for ever."""

from decimal import Decimal

import pytest

from payments.numbers import fingerprint

FORMS: list[object] = [
    *(1, Decimal("1.0"), Decimal("1.5"), "1.5", True, None, [], {}),
    *({"Decimal": "1.5"}, {"Decimal": "1.0"}, {"Decimal": Decimal("1.5")}, {"Decimal": {"Decimal": "1.5"}}),
    *({"~Decimal": "1.5"}, {"~~Decimal": "1.5"}, {"~Decimal": Decimal("1.5")}, {"Decimal": "1.5", "and": 1}),
    *([Decimal("1.5")], [{"Decimal": "1.5"}], {"a": Decimal("1.5")}, {"a": {"Decimal": "1.5"}}),
]


def test_no_two_different_requests_share_a_fingerprint() -> None:
    assert len({fingerprint({"metadata": form}) for form in FORMS}) == len(FORMS)


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
