"""Opening a checkout on the device that is there: one order, found again, continued, and never opened by a look."""

import pytest

from payments.core.lifecycle import Status
from tests.checkouts.counter import DESKTOP, OTHER_WECHAT, WECHAT, Counter, Person
from tests.kit.script import SILENCE, UNCLEAR


class DiedError(BaseException):
    """The process ends here."""


def dies_at(counter: Counter, effect: str, *, after: bool) -> None:
    """The next effect of this name is the last thing that the process does."""

    def around(name: str, call: object) -> object:
        if name != effect:
            return call()  # type: ignore[operator]
        counter.around = lambda _, each: each()
        if after:
            call()  # type: ignore[operator]
        raise DiedError

    counter.around = around


def test_a_look_opens_nothing_and_asks_nobody(counter: Counter) -> None:
    checkout = counter.kept()
    counter.effects.clear()
    view = counter.look(checkout)
    assert (view["status"], view["kind"], view["amount"]) == ("ready", "native", "10.00")
    assert view["checkoutId"] == checkout["checkoutId"], "for questions to the merchant's support"
    assert counter.effects == ["CheckoutsTable.GetItem"]
    assert counter.ledger.calls == []


def test_a_desktop_is_given_a_code(counter: Counter) -> None:
    checkout = counter.kept(metadata={"mine": 1})
    counter.effects.clear()
    told = counter.open(checkout)
    assert told.status == 200
    assert (told.body["status"], told.body["kind"]) == ("waiting", "native")
    assert told.body["codeUrl"].startswith("weixin://")
    assert told.body["qrCode"].startswith("data:image/png")
    assert counter.effects == [
        "CheckoutsTable.GetItem",
        "CheckoutsTable.UpdateItem",
        "PaymentsTable.PutItem",
        "wechat.order_native",
        "PaymentsTable.UpdateItem",
    ]
    payment = counter.payment(counter.number(checkout))
    assert (payment.checkout_id, payment.attempt, payment.status) == (
        checkout["checkoutId"],
        1,
        Status.PENDING,
    )
    counter.effects.clear()
    assert counter.look(checkout)["codeUrl"] == told.body["codeUrl"]
    assert counter.effects == ["CheckoutsTable.GetItem", "PaymentsTable.GetItem"]


def test_a_second_desktop_shows_the_same_code(counter: Counter) -> None:
    checkout = counter.kept()
    first, second = counter.open(checkout), counter.open(checkout)
    assert first.body["codeUrl"] == second.body["codeUrl"]
    assert len(counter.ledger.orders) == 1


def test_an_order_never_outlives_its_checkout_nor_its_own_life(counter: Counter) -> None:
    long = counter.kept(expiresAt="2027-01-20T00:00:00Z")
    short = counter.kept(expiresAt="2027-01-15T08:10:00Z")
    for checkout in (long, short):
        counter.open(checkout)
    now = int(counter.clock.time)
    assert counter.payment(counter.number(long)).time_expire == now + 7200
    assert counter.payment(counter.number(short)).time_expire == now + 600


def test_within_wechat_the_buyer_is_found_out_first(counter: Counter) -> None:
    checkout = counter.kept()
    told = counter.open(checkout, WECHAT)
    assert (told.status, told.body["status"]) == (200, "identify")
    assert (
        told.body["identifyUrl"]
        == f"{checkout['checkoutUrl'].removeprefix('https://pay.example.com')}/wechat"
    )
    assert counter.ledger.orders == {}
    counter.identify(checkout, WECHAT, "o-alice")
    told = counter.open(checkout, WECHAT)
    assert told.body["status"] == "waiting"
    assert told.body["paymentParams"]["package"].startswith("prepay_id=")
    (entry,) = counter.ledger.orders.values()
    assert entry.request["payer"] == {"openid": "o-alice"}


def test_another_buyer_within_wechat_is_another_device(counter: Counter) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    counter.identify(checkout, OTHER_WECHAT, "o-bob")
    counter.open(checkout, WECHAT)
    told = counter.open(checkout, OTHER_WECHAT)
    assert (told.body["status"], told.body["heldBy"], told.body["takeOver"]) == ("elsewhere", "jsapi", True)
    assert "paymentParams" not in told.body
    assert "paymentParams" not in counter.look(checkout, Person("jsapi", cookie="C" * 32))
    assert "o-alice" not in str(counter.look(checkout, WECHAT))


def test_somebody_elses_cookie_of_another_checkout_is_nobody_here(counter: Counter) -> None:
    one, other = counter.kept(), counter.kept()
    counter.identify(one, WECHAT, "o-alice")
    assert counter.open(other, WECHAT).body["status"] == "identify"


def test_another_device_is_told_and_opens_nothing(counter: Counter) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    counter.open(checkout)
    told = counter.open(checkout, WECHAT)
    assert (told.body["status"], told.body["heldBy"]) == ("elsewhere", "native")
    assert len(counter.ledger.orders) == 1
    assert counter.look(checkout)["status"] == "waiting"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    "effect",
    ["CheckoutsTable.UpdateItem", "PaymentsTable.PutItem", "wechat.order_native", "PaymentsTable.UpdateItem"],
)
def test_whoever_dies_in_between_is_continued_by_the_same_kind_of_device(
    counter: Counter, effect: str, after: bool
) -> None:
    checkout = counter.kept()
    dies_at(counter, effect, after=after)
    with pytest.raises(DiedError):
        counter.open(checkout)
    counter.wait(20)  # a dead sender's claim ends
    told = counter.open(checkout)
    assert (told.status, told.body["status"]) == (200, "waiting")
    assert list(counter.ledger.orders) == [counter.number(checkout)]
    assert counter.stored(checkout).attempt == 1


def test_an_unknown_answer_is_asked_for_again_under_the_same_number(counter: Counter) -> None:
    checkout = counter.kept()

    def around(name: str, call: object) -> object:
        done = call()  # type: ignore[operator]
        if name == "wechat.order_native":
            counter.around = lambda _, each: each()
            raise SILENCE
        return done

    counter.around = around
    told = counter.open(checkout)
    assert (told.status, told.body["code"]) == (503, "SYSTEMERROR")
    counter.wait(int(told.headers["retry-after"]))
    assert counter.open(checkout).body["status"] == "waiting"
    assert len(counter.ledger.orders) == 1


def test_a_refused_kind_frees_the_checkout_and_is_told(counter: Counter) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-of-another-app")
    counter.ledger.refuses["jsapi"] = "APPID_MCHID_NOT_MATCH"
    told = counter.open(checkout, WECHAT)
    assert (told.status, told.body["code"]) == (502, "WECHAT_REFUSED")
    assert told.body["details"]["wechatCode"] == "APPID_MCHID_NOT_MATCH"
    view = counter.look(checkout, WECHAT)
    assert (view["status"], view["refused"]) == ("ready", "jsapi")
    counter.wait(3)
    assert counter.open(checkout, DESKTOP).body["status"] == "waiting"


def test_a_refusal_after_an_unknown_try_frees_nothing(counter: Counter) -> None:
    checkout = counter.kept()

    def around(name: str, call: object) -> object:
        if name == "wechat.order_native":
            raise UNCLEAR
        return call()  # type: ignore[operator]

    counter.around = around
    assert counter.open(checkout).status == 503
    counter.around = lambda _, each: each()
    counter.ledger.refuses["native"] = "NO_SUCH_PRODUCT"
    assert counter.open(checkout).status == 503
    assert counter.look(checkout)["status"] == "waiting"
    assert counter.payment(counter.number(checkout)).status is Status.CREATING


def test_attempts_are_paced_and_counted(counter: Counter) -> None:
    checkout = counter.kept()
    counter.ledger.refuses["native"] = "NO_SUCH_PRODUCT"
    assert counter.open(checkout).status == 502
    told = counter.open(checkout)
    assert (told.status, told.body["code"], told.headers["retry-after"]) == (429, "RATE_LIMITED", "3")
    for _ in range(19):
        counter.wait(3)
        assert counter.open(checkout).status == 502
    counter.wait(3)
    told = counter.open(checkout)
    assert (told.status, told.body["status"]) == (200, "closed")
    assert len([call for call in counter.ledger.calls if call[0] == "native"]) == 20


def test_nothing_is_opened_in_the_last_two_minutes(counter: Counter) -> None:
    checkout = counter.kept()
    counter.wait(7200 - 119)
    told = counter.open(checkout)
    assert (told.status, told.body["status"]) == (200, "expired")
    assert counter.ledger.calls == []


def test_a_code_that_ends_is_renewed_by_asking_and_never_by_a_look(counter: Counter) -> None:
    counter.wiring.settings._environment["ORDER_MINUTES"] = "1440"  # type: ignore[index]
    checkout = counter.kept(expiresAt="2027-01-16T08:00:00Z")
    first = counter.open(checkout).body["codeUrl"]
    counter.wait(7200 - 299)
    sent = len(counter.ledger.calls)
    view = counter.look(checkout)
    assert (view["status"], "codeUrl" in view, len(counter.ledger.calls)) == ("waiting", False, sent)
    assert counter.open(checkout).body["codeUrl"] != first
    assert len(counter.ledger.orders) == 1


def test_a_paid_order_shows_and_opens_nothing_more(counter: Counter) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    counter.open(checkout)
    number = counter.number(checkout)
    assert counter.ledger.pay(number)
    counter.notify(number)
    for person in (DESKTOP, WECHAT):
        for take_over in (False, True):
            assert counter.open(checkout, person, take_over=take_over).body["status"] == "paid"
        assert counter.look(checkout, person)["status"] == "paid"
    assert len(counter.ledger.orders) == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_opens_a_checkout(counter: Counter, site: str) -> None:
    checkout = counter.kept()
    told = counter.open(checkout, headers={"sec-fetch-site": site})
    assert (told.status, told.body["code"]) == (403, "NOAUTH")
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        told = counter.open(checkout, headers={"content-type": content_type})
        assert (told.status, told.body["code"]) == (403, "NOAUTH")
    assert counter.ledger.calls == []
    assert counter.open(checkout, headers={"sec-fetch-site": "same-origin"}).status == 200


def test_versions_rise_over_all_attempts(counter: Counter) -> None:
    checkout = counter.kept()
    counter.identify(checkout, WECHAT, "o-alice")
    seen = [counter.look(checkout)["version"]]
    for person in (DESKTOP, WECHAT, DESKTOP):
        counter.wait(3)
        seen.append(counter.open(checkout, person, take_over=True).body["version"])
    number = counter.number(checkout)
    assert counter.ledger.pay(number)
    counter.notify(number)
    seen.append(counter.look(checkout)["version"])
    assert seen == sorted(set(seen))
