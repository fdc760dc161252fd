"""Opening at its edges: others act while an order is sent, writes get lost, and every answer is kept when it is tried again."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import Status
from payments.core.payment import Credential
from tests.payments.stage import (
    SILENCE,
    START,
    TROUBLE,
    Between,
    DiedError,
    Lost,
    Stage,
    order_object,
    refusal,
)

CODE, OTHER = "weixin://wxpay/bizpayurl?pr=1", "weixin://wxpay/bizpayurl?pr=2"
Act = Callable[[Stage], object]


def while_sent(stage: Stage, act: Act, answer: object = CODE) -> None:
    """Somebody acts while WeChat Pay is asked; then it answers."""

    def sent() -> object:
        act(stage)
        return answer

    stage.wechat.says("native", sent)


def dying(stage: Stage) -> None:
    """A function writes the order down, begins to send, and is gone."""
    stage.wechat.says("native", DiedError())
    with pytest.raises(DiedError):
        stage.create()


# ---- a send that others overtake ----

OVERTAKING = {
    "closing": (Stage.somebody_closes, 503, "SYSTEMERROR", Status.CLOSING),
    "closed": (Stage.it_is_closed, 409, "ORDERCLOSED", Status.CLOSED),
    "paid": (Stage.it_is_paid, 409, "ORDERPAID", Status.PAID),
}


@pytest.mark.parametrize("answer", [CODE, refusal("APPID_MCHID_NOT_MATCH")], ids=["a code", "a refusal"])
@pytest.mark.parametrize(("act", "status", "code", "then"), OVERTAKING.values(), ids=OVERTAKING)
def test_what_became_of_an_order_while_it_was_sent_is_told_and_no_code_is_handed_out(
    stage: Stage, act: Act, status: int, code: str, then: Status, answer: object
) -> None:
    while_sent(stage, act, answer)
    told, body = stage.create()
    assert (told, body["code"]) == (status, code)
    assert body["details"]["outTradeNo"] == stage.number()
    assert body["details"].get("closing") is (True if then is Status.CLOSING else None)
    assert stage.stored().status is then


def test_a_code_that_comes_after_somebody_elses_gives_way_to_it(stage: Stage) -> None:
    """WeChat Pay takes the last code only, and the slow sender cannot know which that is."""

    def somebody_else(_: Stage) -> None:
        stage.wiring.time += 15  # the claim has ended: the sender counts as dead
        stage.wechat.says("native", OTHER)
        assert stage.create()[1]["data"]["codeUrl"] == OTHER

    while_sent(stage, somebody_else)
    status, body = stage.create()
    assert (status, body["data"]["codeUrl"]) == (200, OTHER)


@pytest.mark.parametrize("answer", [CODE, refusal("APPID_MCHID_NOT_MATCH")], ids=["a code", "a refusal"])
def test_while_somebody_else_still_sends_nothing_is_certain(stage: Stage, answer: object) -> None:
    while_sent(stage, Stage.somebody_sends, answer)
    assert stage.create()[0] == 503
    assert stage.retry_after == 2
    after = stage.stored()
    assert (after.status, after.claim) == (Status.CREATING, "other")


def test_a_code_that_somebody_is_about_to_replace_is_not_handed_out(stage: Stage) -> None:
    stage.lives(300)
    stage.wechat.says("native", CODE)
    stage.create()
    stage.wiring.time += 7200
    while_sent(stage, Stage.somebody_sends, OTHER)
    assert stage.create()[0] == 503
    assert stage.stored().code_url == CODE


# ---- a second request for the same order ----


def test_a_second_request_waits_three_seconds_for_the_first_and_sends_nothing(stage: Stage) -> None:
    dying(stage)
    assert stage.create()[0] == 503
    assert (stage.wechat.asked, stage.retry_after) == (["native"], 12)
    assert 3 <= stage.wiring.time - START < 3.3


def test_a_second_request_is_handed_the_code_that_the_first_gets_meanwhile(stage: Stage) -> None:
    dying(stage)
    sent = stage.stored()

    def the_first_ends() -> None:
        stage.store.record_credential(
            sent, Credential(code_url=OTHER), expires_at=sent.time_expire, due_at=START + 60, now=START
        )

    stage.wiring.meanwhile = [lambda: None, the_first_ends]
    status, body = stage.create()
    assert (status, body["data"]["codeUrl"], stage.wechat.asked) == (200, OTHER, ["native"])


def test_a_sender_that_died_is_followed_once_it_cannot_live_any_more(stage: Stage) -> None:
    dying(stage)
    stage.wiring.time = START + 11.5
    assert stage.create()[0] == 503
    assert stage.retry_after == 1
    stage.wiring.time = START + 15
    stage.wechat.says("native", CODE)
    assert stage.create()[0] == 200
    assert stage.wechat.asked == ["native", "native"]
    assert stage.stored().claim is None


def test_another_request_under_the_same_key_is_told_so_at_once(stage: Stage) -> None:
    dying(stage)
    assert stage.create(amount=11)[0] == 422
    assert stage.wiring.time == START


def test_a_sender_who_was_answered_lets_the_next_one_send_at_once_whatever_the_answer(stage: Stage) -> None:
    stage.wechat.says("native", TROUBLE, TROUBLE, CODE)
    for _ in range(2):
        assert stage.create()[0] == 503
        assert (stage.retry_after, stage.stored().claim) == (2, None)
    assert stage.create()[0] == 200
    assert stage.wiring.time == START


def test_a_send_that_nobody_has_answered_may_still_arrive_and_is_not_sent_over(stage: Stage) -> None:
    """The later of two requests voids the code of the other, and nobody knows which that is."""
    stage.wechat.says("native", SILENCE, CODE)
    assert stage.create()[0] == 503
    assert (stage.retry_after, stage.stored().claimed_until) == (15, START + 15)
    stage.wiring.time = START + 15
    assert stage.create()[0] == 200
    assert stage.wiring.time == START + 15


def test_two_sends_are_told_apart_although_one_second_saw_them_both(stage: Stage) -> None:
    stage.wechat.says("native", TROUBLE, TROUBLE)
    stage.create()
    first = stage.stored().sent_at
    stage.create()
    assert stage.stored().sent_at == first + 1


@pytest.mark.parametrize("act", [Stage.somebody_closes, Stage.it_is_closed, Stage.it_is_paid])
def test_an_order_that_moves_before_it_is_sent_again_is_not_sent(stage: Stage, act: Act) -> None:
    stage.wechat.says("native", TROUBLE)
    stage.create()
    stage.wiring.store = Between(stage.store, "claim", lambda: act(stage))
    assert stage.create()[0] == 503
    assert (stage.retry_after, stage.wechat.asked) == (1, ["native"])


def test_an_order_that_somebody_has_sent_and_given_up_meanwhile_is_not_sent_over_it(stage: Stage) -> None:
    stage.wechat.says("native", TROUBLE)
    stage.create()

    def sent_meanwhile() -> None:
        stage.somebody_sends()
        stage.store.give_up_claim(stage.number(), claim="other")

    stage.wiring.store = Between(stage.store, "claim", sent_meanwhile)
    assert stage.create()[0] == 503
    assert stage.wechat.asked == ["native"]


def test_whoever_sends_has_fifteen_seconds_and_after_a_minute_somebody_looks(stage: Stage) -> None:
    dying(stage)
    first = stage.stored()
    assert (first.claimed_until, first.due_at) == (START + 15, START + 60)
    stage.wiring.time = START + 40
    dying(stage)
    second = stage.stored()
    assert (second.claimed_until, second.due_at, second.sent_at) == (START + 55, START + 100, START + 40)


def test_an_order_that_somebody_has_sent_and_given_up_in_between_has_no_code_to_hand_out(
    stage: Stage,
) -> None:
    def sent_and_given_up(_: Stage) -> None:
        stage.somebody_sends()
        stage.store.give_up_claim(stage.number(), claim="other")

    while_sent(stage, sent_and_given_up)
    assert stage.create()[0] == 503
    assert stage.stored().status is Status.CREATING


# ---- writes whose outcome is not known ----


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("verb", ["create", "claim", "record_credential"])
def test_after_a_write_that_may_be_lost_the_order_is_open_by_the_time_that_was_told(
    stage: Stage, verb: str, how: str
) -> None:
    if verb == "claim":
        stage.wechat.says("native", TROUBLE)
        stage.create()
    stage.wechat.says("native", CODE, OTHER)
    stage.wiring.store = Lost(stage.store, verb, how)
    assert stage.create()[0] == 503
    assert stage.retry_after == 15
    stage.wiring.time += 15
    status, body = stage.create()
    assert (status, body["data"]["outTradeNo"]) == (200, stage.number())
    assert stage.wiring.time == START + 15


def test_a_fresh_code_that_may_not_have_been_written_down_is_followed_by_another(stage: Stage) -> None:
    stage.lives(300)
    stage.wechat.says("native", CODE, OTHER, "weixin://wxpay/bizpayurl?pr=3")
    stage.create()
    stage.wiring.time += 7200
    stage.wiring.store = Lost(stage.store, "renew_credential", "before")
    assert stage.create()[0] == 503
    stage.wiring.time += stage.retry_after
    assert stage.create()[1]["data"]["codeUrl"].endswith("3")


@pytest.mark.parametrize("key", ["k", None])
def test_a_first_write_that_the_sdk_repeats_is_the_callers_own(stage: Stage, key: str | None) -> None:
    stage.wechat.says("native", CODE)
    stage.wiring.store = Lost(stage.store, "create", "repeated")
    assert stage.create(key=key)[0] == 200
    assert stage.wechat.asked == ["native"]


def test_a_first_write_that_the_sdk_repeats_lets_a_refusal_be_the_last_word(stage: Stage) -> None:
    stage.wechat.says("native", refusal("APPID_MCHID_NOT_MATCH"))
    stage.wiring.store = Lost(stage.store, "create", "repeated")
    assert stage.create()[0] == 502


def test_a_claim_that_the_sdk_repeats_is_the_callers_own(stage: Stage) -> None:
    stage.wechat.says("native", TROUBLE, CODE)
    stage.create()
    stage.wiring.store = Lost(stage.store, "claim", "repeated")
    assert stage.create()[0] == 200


def test_a_claim_that_could_not_be_given_up_is_waited_for(stage: Stage) -> None:
    stage.wechat.says("native", TROUBLE)
    stage.wiring.store = Lost(stage.store, "give_up_claim", "before")
    stage.create()
    assert stage.retry_after == 15
    stage.wiring.time += 15
    stage.wechat.says("native", CODE)
    assert stage.create()[0] == 200


def test_an_order_that_is_gone_from_the_table_is_unknown(stage: Stage) -> None:
    class Forgetful:
        """A table restored to an earlier moment, between the two calls."""

        def create(self, *_: object, **__: object) -> None:
            raise RefusedUpdate  # and what it has met is not told

        def __getattr__(self, verb: str) -> object:
            return (lambda _: None) if verb == "get" else getattr(stage.store, verb)

    stage.wechat.says("native", TROUBLE)
    stage.create()
    stage.wiring.store = Forgetful()
    assert stage.create()[0] == 503


def test_an_order_that_vanishes_before_it_is_sent_again_is_unknown(stage: Stage) -> None:
    class Vanishing:
        """The same, a moment later."""

        gone = False

        def __getattr__(self, verb: str) -> object:
            if verb == "claim":
                self.gone = True
                stage.somebody_sends()
            if self.gone and verb in ("get", "reread"):
                return lambda known, *_: None if verb == "get" else known
            return getattr(stage.store, verb)

    stage.wechat.says("native", TROUBLE)
    stage.create()
    stage.wiring.store = Vanishing()
    assert stage.create()[0] == 503
    assert (stage.retry_after, stage.wechat.asked) == (1, ["native"])


# ---- refusals ----


@pytest.mark.parametrize("request_id", ["R-1", None])
def test_a_refusal_names_wechat_pays_code_and_request_now_and_at_every_repetition(
    stage: Stage, request_id: str | None
) -> None:
    stage.wechat.says("native", refusal("APPID_MCHID_NOT_MATCH", request_id=request_id))
    first = stage.create()
    known = {} if request_id is None else {"requestId": request_id}
    assert (first[0], first[1]["details"]) == (502, {"wechatCode": "APPID_MCHID_NOT_MATCH"} | known)
    again = stage.create()
    assert (again[0], again[1]["details"]) == (502, first[1]["details"])
    assert stage.wechat.asked == ["native"]
    after = stage.stored()
    assert (after.due_at, after.completed_at, after.history[-1].cause) == (None, START, "refused")


PASSING = ["SIGN_ERROR", "NO_AUTH", "MCH_NOT_EXISTS", "MCHID_NOT_EXIST"]
PACE = ["RULE_LIMIT", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "RATE_LIMITED"]


@pytest.mark.parametrize("code", [*PASSING, *PACE])
def test_a_refusal_that_is_about_the_merchant_or_the_pace_ends_no_order(stage: Stage, code: str) -> None:
    stage.wechat.says("native", refusal(code, 403), CODE)
    status, body = stage.create()
    assert (status, body["details"]["wechatCode"], stage.retry_after) == (503, code, 60)
    assert stage.stored().status is Status.CREATING
    stage.wiring.time += 60
    assert stage.create()[0] == 200


@pytest.mark.parametrize(
    "code", ["ORDER_PAID", "ORDER_CLOSED", "OUT_TRADE_NO_USED", "INVALID_REQUEST", "PARAM_ERROR"]
)
def test_a_refusal_that_may_mean_a_known_number_has_the_order_looked_up_and_paid_orders_are_found(
    stage: Stage, code: str
) -> None:
    stage.wechat.says("native", refusal(code))
    stage.wechat.says("query", lambda: order_object(stage.stored(), "SUCCESS"))
    status, body = stage.create()
    assert (status, body["code"]) == (409, "ORDERPAID")


def test_a_refusal_about_the_number_is_no_last_word_behind_a_try_that_nobody_answered(stage: Stage) -> None:
    behind = refusal("PARAM_ERROR")
    behind.after_unknown = True
    stage.wechat.says("native", behind)
    stage.wechat.says("query", refusal("ORDER_NOT_EXIST", 404))
    assert stage.create()[0] == 503
    assert stage.stored().status is Status.CREATING


def test_a_refusal_about_the_number_is_no_last_word_when_an_earlier_send_may_have_been_taken(
    stage: Stage,
) -> None:
    stage.wechat.says("native", TROUBLE, refusal("PARAM_ERROR"))
    stage.wechat.says("query", refusal("ORDER_NOT_EXIST", 404))
    stage.create()
    assert stage.create()[0] == 503
    assert stage.stored().status is Status.CREATING


def test_an_order_that_wechat_pay_has_with_other_content_is_closed_until_that_is_proven(stage: Stage) -> None:
    """From before the table was restored: no code of it can be had any more, and it may be paid."""
    stage.wechat.says("native", refusal("OUT_TRADE_NO_USED"))
    stage.wechat.says("query", lambda: order_object(stage.stored(), "NOTPAY"))
    status, body = stage.create()
    assert (status, body["details"]["closing"], stage.retry_after) == (503, True, 60)
    after = stage.stored()
    assert (after.status, after.due_at) == (Status.CLOSING, START + 60)
    assert after.history[-1].cause == "forgotten"


@pytest.mark.parametrize(
    ("act", "code"), [(Stage.it_is_paid, "ORDERPAID"), (Stage.it_is_closed, "ORDERCLOSED")]
)
def test_an_order_that_ends_while_it_is_found_with_other_content_is_told_as_what_it_is(
    stage: Stage, act: Act, code: str
) -> None:
    stage.wechat.says("native", refusal("OUT_TRADE_NO_USED"))
    stage.wechat.says("query", lambda: order_object(stage.stored(), "NOTPAY"))
    stage.wiring.store = Between(stage.store, "begin_close", lambda: act(stage))
    status, body = stage.create()
    assert (status, body["code"]) == (409, code)


# ---- orders that nobody can pay any more, perhaps ----


def test_an_order_that_is_being_closed_is_told_of_until_somebody_has_looked(stage: Stage) -> None:
    stage.wechat.says("native", CODE)
    stage.create()
    stage.somebody_closes()
    for later, wait in ((0, 60), (45, 15), (58.5, 2), (120, 2)):
        stage.wiring.time = START + later
        status, body = stage.create()
        assert (status, body["details"]["closing"], stage.retry_after) == (503, True, wait)
    stage.it_is_closed()
    assert stage.create()[0] == 409


def test_an_order_past_its_time_may_have_been_paid_in_the_last_moment(stage: Stage) -> None:
    stage.wechat.says("native", CODE)
    stage.create()
    ends = stage.stored().time_expire
    stage.wiring.time = ends - 1
    assert stage.create()[0] == 200
    for later, wait in ((0, 60), (30, 30), (59.5, 2), (600, 2)):
        stage.wiring.time = ends + later
        status, body = stage.create()
        assert (status, body["details"]["closing"], stage.retry_after) == (503, True, wait)
    assert stage.wechat.asked == ["native"]


# ---- codes that end before their order ----


def test_a_code_is_handed_out_until_five_minutes_before_its_end(stage: Stage) -> None:
    stage.lives(300)
    stage.wechat.says("native", CODE, OTHER)
    stage.create()
    stage.wiring.time = START + 7200 - 300
    assert stage.create()[1]["data"]["codeUrl"] == CODE
    stage.wiring.time += 1
    assert stage.create()[1]["data"]["codeUrl"] == OTHER
    after = stage.stored()
    assert after.credential_expires_at == START + 7200 - 299 + 7200
    assert (after.claim, after.version) == (None, 2)


def test_a_code_that_lives_as_long_as_its_order_is_never_renewed(stage: Stage) -> None:
    stage.wechat.says("native", CODE)
    stage.create()
    stage.wiring.time = START + 7199
    assert stage.create()[1]["data"]["codeUrl"] == CODE
    assert stage.stored().credential_expires_at == stage.stored().time_expire == START + 7200


def test_a_code_ends_two_hours_after_its_request_went_out_however_long_the_answer_took(stage: Stage) -> None:
    stage.lives(300)

    def slow(_: Stage) -> None:
        stage.wiring.time += 9

    while_sent(stage, slow)
    stage.create()
    after = stage.stored()
    assert (after.credential_expires_at, after.due_at) == (START + 7200, START + 9 + 60)


def test_a_renewal_without_an_answer_is_tried_again_at_once(stage: Stage) -> None:
    stage.lives(300)
    stage.wechat.says("native", CODE, TROUBLE, OTHER)
    stage.create()
    stage.wiring.time += 7200
    assert stage.create()[0] == 503
    assert stage.retry_after == 2
    assert stage.create()[1]["data"]["codeUrl"] == OTHER


def test_whoever_asks_while_a_code_is_renewed_waits_for_it(stage: Stage) -> None:
    stage.lives(300)
    stage.wechat.says("native", CODE)
    stage.create()
    stage.wiring.time += 7200
    stage.somebody_sends()
    assert stage.create()[0] == 503
    assert (stage.retry_after, stage.wechat.asked) == (12, ["native"])


def test_a_refusal_of_a_renewal_does_not_end_the_order(stage: Stage) -> None:
    stage.lives(300)
    stage.wechat.says("native", CODE, refusal("APPID_MCHID_NOT_MATCH"))
    stage.create()
    stage.wiring.time += 7200
    stage.wechat.says("query", lambda: order_object(stage.stored(), "NOTPAY"))
    assert stage.create()[0] == 503
    assert stage.stored().status is Status.PENDING


# ---- the same on the page on which an order is paid ----


def page(stage: Stage, address: str) -> dict[str, Any]:
    """GET checkout, as a program sees it."""
    event = {
        "pathParameters": {"token": address.rpartition("/")[2]},
        "headers": {"accept": "application/json"},
    }
    answer = stage.function("checkout").lambda_handler(event, None)
    assert answer["statusCode"] == 200, answer
    shown: dict[str, Any] = json.loads(answer["body"])
    return shown


@pytest.fixture
def address(stage: Stage) -> str:
    """Of an order that outlives its code."""
    stage.lives(300)
    stage.wechat.says("native", CODE)
    found: str = stage.create()[1]["data"]["checkoutUrl"]
    return found


def test_a_page_shows_the_code_that_lives_and_asks_nobody(stage: Stage, address: str) -> None:
    stage.wiring.time = START + 7200 - 300
    assert page(stage, address)["codeUrl"] == CODE
    assert stage.wechat.asked == ["native"]


def test_a_page_whose_code_ends_shows_a_fresh_one(stage: Stage, address: str) -> None:
    stage.wiring.time = START + 7200 - 299
    stage.wechat.says("native", OTHER)
    assert page(stage, address)["codeUrl"] == OTHER


@pytest.mark.parametrize("act", [Stage.somebody_closes, Stage.it_is_paid])
def test_a_page_never_sends_an_order_that_moves_in_the_same_moment(
    stage: Stage, address: str, act: Act
) -> None:
    stage.wiring.time = START + 7200
    stage.wiring.store = Between(stage.store, "claim", lambda: act(stage))
    assert "codeUrl" not in page(stage, address)
    assert len(stage.wechat.asked) == 1


def test_a_page_shows_no_code_while_a_fresh_one_cannot_be_had(stage: Stage, address: str) -> None:
    stage.wiring.time = START + 7200
    stage.wechat.says("native", TROUBLE, OTHER)
    shown = page(stage, address)
    assert (shown["status"], "codeUrl" in shown) == ("waiting", False)
    assert page(stage, address)["codeUrl"] == OTHER
