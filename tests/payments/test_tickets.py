"""Checkout tokens and live tickets: what opens which order, for how long, and under which keys."""

import itertools

import pytest

from payments.api.checkout import opened_by
from payments.api.tokens import (
    SHOWN_AFTER_END_SECONDS,
    TicketError,
    checkout_token,
    live_ticket,
    order_of,
    ticket_of,
)
from payments.core.errors import ApiError, OrderNotFoundError, TryAgainError
from payments.core.lifecycle import Status
from payments.storage.secret_members import checkout_keys
from payments.storage.secrets import CACHE_SECONDS, Cached
from tests.kit.secrets import SecretsManager
from tests.payments.stage import Stage
from wechatpay.errors import KeyFormatError

OLD, NEW, OTHER = "o" * 64, "n" * 64, "x" * 64
NOW = 1_000_000.0
ORDER = "WX" + "A" * 26


def token(keys: tuple[str, ...]) -> str:
    return checkout_token(out_trade_no=ORDER, time_expire=int(NOW), keys=keys)


def test_at_every_step_of_a_change_what_any_process_signs_opens_in_any_other() -> None:
    steps = [
        {"CHECKOUT_KEY": OLD},
        {"CHECKOUT_KEY": OLD, "CHECKOUT_KEY_NEXT": NEW},
        {"CHECKOUT_KEY": NEW, "CHECKOUT_KEY_PREVIOUS": OLD},
    ]
    rings = [checkout_keys(step) for step in steps]
    # For five minutes after a step some processes still live in the one before.
    for before, after in itertools.pairwise(rings):
        for signing, opening in ((before, after), (after, before)):
            assert order_of(token(signing), keys=opening, now=NOW) == ORDER
            ticket = live_ticket(out_trade_no=ORDER, ticket_id="1", keys=signing, now=NOW)
            assert ticket_of(ticket, keys=opening, now=NOW).out_trade_no == ORDER


def test_a_key_that_is_held_no_more_opens_nothing() -> None:
    with pytest.raises(TicketError):
        order_of(token((OLD,)), keys=(NEW,), now=NOW)
    with pytest.raises(TicketError):
        ticket_of(
            live_ticket(out_trade_no=ORDER, ticket_id="1", keys=(OTHER,), now=NOW), keys=(NEW, OLD), now=NOW
        )


def test_a_previous_key_prolongs_nothing_and_mixes_nothing_up() -> None:
    with pytest.raises(TicketError):
        order_of(token((OLD,)), keys=(NEW, OLD), now=NOW + SHOWN_AFTER_END_SECONDS)
    with pytest.raises(TicketError):
        ticket_of(token((OLD,)), keys=(NEW, OLD), now=NOW)


@pytest.mark.parametrize(
    "members", [{}, {"CHECKOUT_KEY": ""}, {"CHECKOUT_KEY": NEW, "CHECKOUT_KEY_PREVIOUS": "short"}]
)
def test_a_secret_that_anybody_could_sign_with_is_refused(members: dict[str, str]) -> None:
    with pytest.raises((KeyError, KeyFormatError)):
        checkout_keys(members)


@pytest.mark.parametrize(("outdated", "told"), [(False, OrderNotFoundError), (True, TryAgainError)])
def test_an_address_that_fits_no_key_is_unknown_only_by_keys_that_are_current(
    stage: Stage, outdated: bool, told: type[ApiError]
) -> None:
    payment = stage.put(Status.PENDING)
    newer = checkout_token(out_trade_no=payment.out_trade_no, time_expire=payment.time_expire, keys=(NEW,))
    client = SecretsManager({"checkout": {"CHECKOUT_KEY": OLD}})
    held = Cached(client=client, secret_id="checkout", parse=checkout_keys, clock=stage.wiring.now)
    stage.wiring.secrets.__dict__["checkout_key"] = held
    assert held.value() == (OLD,)
    if outdated:
        held._client = SecretsManager({})  # what was there can be read no more
        stage.wiring.time += CACHE_SECONDS
    with pytest.raises(told):
        opened_by(newer, stage.wiring)
