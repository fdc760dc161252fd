"""A payment in a table, moved to where a test wants it, and what WeChat Pay says of its order."""

from typing import Any

from payments.core import identifiers
from payments.core.facts import OrderFacts
from payments.core.lifecycle import Status
from payments.core.payment import CURRENCY, Credential, Payment
from payments.use_cases.evidence import apply_order
from payments.wiring import Wiring


def a_payment(number: str = "WX1", **members: Any) -> Payment:
    """A payment of 1000 fen that nobody was asked for yet, but for these `members`."""
    values: dict[str, Any] = {
        "payment_id": identifiers.payment_id(number),
        "user_id": "user-1",
        "content_id": "content-1",
        "method": "native",
        "subject": "A thing",
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "amount": 1000,
        "currency": CURRENCY,
        "fingerprint": "F",
        "wechat_request": "{}",
        "time_expire": 7200,
        "created_at": 0,
        "updated_at": 0,
    }
    return Payment(out_trade_no=number, **values | members)


def put(wiring: Wiring, status: Status, *, amount: int = 1000) -> Payment:
    """A payment of `amount` fen in the table, moved to `status`."""
    out_trade_no = identifiers.random_number("WX", wiring.entropy())
    now = int(wiring.now())
    opened = a_payment(out_trade_no, amount=amount, time_expire=now + 7200, created_at=now, updated_at=now)
    wiring.store.create(opened, due_at=now + 60)
    steps = {
        Status.CREATING: (),
        Status.PENDING: (pending,),
        Status.CLOSING: (pending, closing),
        Status.FAILED: (failed,),
        Status.CLOSED: (pending, closed),
        Status.PAID: (pending, paid),
    }[status]
    for step in steps:
        step(out_trade_no, wiring, amount)
    stored = wiring.store.get(out_trade_no)
    assert stored is not None
    assert stored.status is status
    return stored


def pending(number: str, wiring: Wiring, _amount: int) -> None:
    seen = wiring.store.get(number)
    assert seen is not None
    wiring.store.record_credential(
        seen, Credential(code_url="weixin://wxpay/x"), expires_at=1, due_at=2, now=3
    )


def closing(number: str, wiring: Wiring, _amount: int) -> None:
    wiring.store.begin_close(number, cause="close", due_at=5, now=4)


def failed(number: str, wiring: Wiring, _amount: int) -> None:
    seen = wiring.store.get(number)
    assert seen is not None
    wiring.store.fail_creation(seen, refusal={"wechatCode": "PARAM_ERROR"}, cause="refused", now=4)


def closed(number: str, wiring: Wiring, _amount: int) -> None:
    wiring.store.confirm_close(number, cause="query", now=4)


def paid(number: str, wiring: Wiring, amount: int) -> None:
    apply_order(facts_of(number, total=amount), source="notification", wiring=wiring)


def facts_of(number: str, **changed: Any) -> OrderFacts:
    values: dict[str, Any] = {
        "out_trade_no": number,
        "mchid": "1900000109",
        "appid": "wx8888888888888888",
        "trade_state": "SUCCESS",
        "transaction_id": f"42{number[2:]}",
        "total": 1000,
        "currency": "CNY",
        "openid": "o-buyer",
        "success_time": "2026-01-01T12:00:00+08:00",
    }
    return OrderFacts(**(values | changed))
