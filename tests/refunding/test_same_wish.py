"""Which repetition is the same refund: one wish pays once, two wishes pay twice, whoever asks, whenever."""

from tests.kit.script import SILENCE
from tests.refunding.conftest import DAY, HOUR, Office, console, taken


def test_a_refund_that_is_under_way_is_the_same_one_however_late_it_is_asked_for_again(office: Office) -> None:
    number = office.paid()
    first = office.refund(number)
    assert "duplicate" not in first.data
    office.wait(2 * HOUR)
    again = office.refund(number)
    assert (again.data["duplicate"], again.number) == (True, first.number)
    assert office.sent == [first.number]
