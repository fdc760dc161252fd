"""Checkout tokens and live tickets: what opens which order, for how long, and under which keys."""

import itertools
import json

import jwt
import pytest

from payments.api.checkouts.address import number_of
from payments.api.tokens import (
    SHOWN_AFTER_END_SECONDS,
    TicketError,
    checkout_token,
    live_ticket,
    number_in,
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
            assert number_in(token(signing), keys=opening, now=NOW) == ORDER
            ticket = live_ticket(out_trade_no=ORDER, ticket_id="1", keys=signing, now=NOW)
            assert ticket_of(ticket, keys=opening, now=NOW).out_trade_no == ORDER


def test_a_key_that_is_held_no_more_opens_nothing() -> None:
    with pytest.raises(TicketError):
        number_in(token((OLD,)), keys=(NEW,), now=NOW)
    with pytest.raises(TicketError):
        ticket_of(
            live_ticket(out_trade_no=ORDER, ticket_id="1", keys=(OTHER,), now=NOW), keys=(NEW, OLD), now=NOW
        )


def test_a_previous_key_prolongs_nothing_and_mixes_nothing_up() -> None:
    with pytest.raises(TicketError):
        number_in(token((OLD,)), keys=(NEW, OLD), now=NOW + SHOWN_AFTER_END_SECONDS)
    with pytest.raises(TicketError):
        ticket_of(token((OLD,)), keys=(NEW, OLD), now=NOW)


CLAIMS = {"aud": "live", "sub": ORDER, "jti": "1", "exp": int(NOW) + 60}


def test_they_are_jwts_as_a_library_writes_and_reads_them() -> None:
    ticket = live_ticket(out_trade_no=ORDER, ticket_id="1", keys=(NEW, OLD), now=NOW)
    assert ticket == jwt.encode(CLAIMS, NEW, algorithm="HS256")
    read = jwt.decode(ticket, NEW, algorithms=["HS256"], audience="live", options={"verify_exp": False})
    assert read == CLAIMS
    claims = {"aud": "checkout", "sub": ORDER, "exp": int(NOW) + SHOWN_AFTER_END_SECONDS}
    assert token((OLD,)) == jwt.encode(claims, OLD, algorithm="HS256")


def test_whatever_is_changed_in_one_opens_nothing() -> None:
    ticket = live_ticket(out_trade_no=ORDER, ticket_id="1", keys=(NEW,), now=NOW)
    assert ticket_of(ticket, keys=(OLD, NEW), now=NOW).ticket_id == "1"
    changed = {
        ticket[:place] + other + ticket[place + 1 :] for place in range(len(ticket)) for other in "Az_.=\xe9"
    }
    changed |= {ticket[:place] for place in range(len(ticket))}
    changed |= {ticket + more for more in ("=", "==", ".", "\n", " ", "A", "\0", ".A", "\ud800", ticket)}
    changed |= {before + ticket for before in (" ", ".", "Bearer ", "\ufeff")}
    for text in changed - {ticket}:
        with pytest.raises(TicketError):
            ticket_of(text, keys=(OLD, NEW), now=NOW)


def signed(header: object, content: bytes) -> str:
    """Any header over any content, under our own key."""
    return jwt.PyJWS().encode(content, NEW, algorithm="HS256", headers=header)  # type: ignore[arg-type]


def of(**changed: object) -> bytes:
    return json.dumps(
        {name: value for name, value in {**CLAIMS, **changed}.items() if value is not ...}
    ).encode()


@pytest.mark.parametrize(
    "text",
    [
        jwt.encode(CLAIMS, "", algorithm="none"),
        jwt.encode(CLAIMS, NEW, algorithm="HS512"),
        signed({"typ": "JWS"}, of()),
        signed({"kid": "1"}, of()),
        *(
            signed({}, of(**{name: wrong}))
            for name in ("aud", "sub", "exp")
            for wrong in (..., None, 1.5, [], {})
        ),
        *(signed({}, of(jti=wrong)) for wrong in (None, 1, [], {})),
        signed({}, of(aud="checkout")),
        signed({}, of(aud="Live")),
        signed({}, of(aud=["live"])),
        signed({}, of(sub=5)),
        signed({}, of(exp="9999999999")),
        signed({}, of(exp=True)),
        signed({}, of(exp=int(NOW))),
        *(signed({}, content) for content in (b"", b"{", b"[]", b"null", b'"live"', b"\xff\xfe", b"[" * 700)),
    ],
)
def test_what_our_key_has_signed_and_we_have_not_written_opens_nothing(text: str) -> None:
    assert ticket_of(signed({}, of()), keys=(NEW,), now=NOW).ticket_id == "1"
    with pytest.raises(TicketError):
        ticket_of(text, keys=(NEW,), now=NOW)


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
        number_of(newer, stage.wiring)
