"""A merchant without H5: a phone's browser is shown the way into WeChat, opens nothing, and ends nothing that others hold."""

import pytest

from tests.checkouts.counter import DESKTOP, PHONE, Counter, Person


@pytest.fixture
def counter_without_h5(counter: Counter) -> Counter:
    counter.settings(H5_PAYMENTS="false")
    return counter


def test_a_phones_browser_is_told_so_and_opens_nothing(counter_without_h5: Counter) -> None:
    counter = counter_without_h5
    checkout = counter.kept()
    counter.effects.clear()
    for view in (counter.look(checkout, PHONE), counter.open(checkout, PHONE).body):
        assert (view["status"], view["kind"], view["refused"]) == ("ready", "h5", "h5")
        assert view["qrCode"].startswith("data:image/png;base64,")
    assert set(counter.effects) == {"CheckoutsTable.GetItem"}
    assert counter.ledger.calls == []


@pytest.mark.parametrize("take_over", [False, True])
def test_what_another_device_holds_stays_open(counter_without_h5: Counter, take_over: bool) -> None:
    counter = counter_without_h5
    checkout = counter.kept()
    code = counter.open(checkout).body["codeUrl"]
    counter.ledger.calls.clear()
    view = counter.open(checkout, PHONE, take_over=take_over).body
    assert (view["status"], view["refused"]) == ("ready", "h5")
    assert "takeOver" not in view
    assert counter.ledger.calls == []
    assert counter.look(checkout, DESKTOP)["codeUrl"] == code


@pytest.mark.parametrize("person", [DESKTOP], ids=["desktop"])
def test_other_devices_pay_as_ever(counter_without_h5: Counter, person: Person) -> None:
    checkout = counter_without_h5.kept()
    assert counter_without_h5.open(checkout, person).body["status"] == "waiting"


def test_what_was_opened_by_h5_before_goes_on(counter: Counter) -> None:
    checkout = counter.kept()
    link = counter.open(checkout, PHONE).body["h5Url"]
    counter.settings(H5_PAYMENTS="false")
    assert counter.look(checkout, PHONE)["h5Url"] == link
    counter.clock.time += 245
    fresh = counter.open(checkout, PHONE).body
    assert (fresh["status"], fresh["h5Url"] != link) == ("waiting", True)
