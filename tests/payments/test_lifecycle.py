"""Statuses, ranks and edges: the table itself, and the table as the store's conditions enforce it."""

import itertools
from collections.abc import Callable

import pytest

from payments.core import lifecycle
from payments.core.errors import RefusedUpdate
from payments.core.lifecycle import EDGES, EVENTS, REFUND_EDGES, Edge, RefundStatus, Status
from payments.core.payment import Payment
from payments.use_cases.evidence import apply_order
from payments.wiring import Wiring
from tests.kit.payments import closed, closing, facts_of, failed, paid, pending

MOVES = {
    lifecycle.CREDENTIAL_RECEIVED: pending,
    lifecycle.CREATION_REFUSED: failed,
    lifecycle.CLOSE_WANTED: closing,
    lifecycle.CLOSE_CONFIRMED: closed,
}
REACHABLE = [Status.CREATING, Status.PENDING, Status.CLOSING, Status.FAILED, Status.CLOSED, Status.PAID]


def test_what_lies_in_the_table_keeps_its_names_and_is_told_in_the_words_of_the_interface() -> None:
    assert {status.value: (status.rank, status.word) for status in Status} == {
        "CREATING": (0, "pending"),
        "PENDING": (1, "pending"),
        "CLOSING": (2, "pending"),
        "FAILED": (3, "failed"),
        "CLOSED": (3, "closed"),
        "PAID": (4, "succeeded"),
        "PARTIALLY_REFUNDED": (5, "partially_refunded"),
        "REFUNDED": (6, "refunded"),
    }
    assert {status.value: (status.is_final, status.word) for status in RefundStatus} == {
        "REQUESTED": (False, "PROCESSING"),
        "PROCESSING": (False, "PROCESSING"),
        "ABNORMAL": (False, "ABNORMAL"),
        "SUCCEEDED": (True, "SUCCESS"),
        "CLOSED": (True, "CLOSED"),
    }


def test_whoever_listens_to_the_bus_hears_of_every_edge_by_the_name_that_it_always_had() -> None:
    assert [(edge.target.value, edge.event) for edge in (*EDGES, *REFUND_EDGES)] == [
        ("PENDING", "PaymentCreated"),
        ("FAILED", "PaymentFailed"),
        ("CLOSING", None),
        ("CLOSED", "PaymentClosed"),
        ("PAID", "PaymentSucceeded"),
        ("PAID", "PaymentSucceeded"),
        ("REQUESTED", "RefundRequested"),
        ("PROCESSING", None),
        ("ABNORMAL", "RefundAbnormal"),
        ("PROCESSING", None),
        ("SUCCEEDED", "RefundSucceeded"),
        ("CLOSED", "RefundClosed"),
    ]
    # The second payment of a checkout moves no status, and is told all the same.
    assert set(EVENTS) == {edge.event for edge in (*EDGES, *REFUND_EDGES)} - {None} | {"PaymentDuplicated"}


def test_a_rank_never_falls() -> None:
    for edge in EDGES:
        assert all(source.rank <= edge.target.rank for source in edge.sources)


def test_every_status_can_reach_paid_until_it_is_paid() -> None:
    sources = set(lifecycle.MONEY_RECEIVED.sources) | set(lifecycle.MONEY_RECEIVED_LATE.sources)
    assert sources == {status for status in Status if status.rank < Status.PAID.rank}


def test_a_settled_refund_never_moves_again() -> None:
    for edge in REFUND_EDGES:
        assert not any(source.is_final for source in edge.sources)


@pytest.mark.parametrize("edge", MOVES, ids=lambda edge: f"to {edge.target}")
@pytest.mark.parametrize("status", REACHABLE)
def test_a_payment_moves_along_its_edges_and_no_others(
    edge: Edge, status: Status, new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    before = new_payment(status)
    if status in edge.sources:
        MOVES[edge](before.out_trade_no, wiring, before.amount)
        after = wiring.store.get(before.out_trade_no)
        assert after is not None
        assert after.status is edge.target
        assert after.version == before.version + 1 == len(after.history)
        assert (after.history[-1].previous, after.history[-1].event) == (status, edge.event)
    else:
        with pytest.raises(RefusedUpdate):
            MOVES[edge](before.out_trade_no, wiring, before.amount)
        assert wiring.store.get(before.out_trade_no) == before


@pytest.mark.parametrize("status", REACHABLE[:-1])
def test_money_is_taken_note_of_whatever_the_payment_was(
    status: Status, new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    before = new_payment(status)
    apply_order(facts_of(before.out_trade_no), source="notification", wiring=wiring)
    after = wiring.store.get(before.out_trade_no)
    assert after is not None
    assert after.status is Status.PAID
    assert (after.paid, after.refundable, after.refunding, after.refunded) == (1000, 1000, 0, 0)
    assert after.late_paid is (status in (Status.CLOSED, Status.FAILED))
    assert after.history[-1].late is after.late_paid
    assert (after.history[-1].amount, after.history[-1].transaction_id) == (1000, after.transaction_id)
    assert after.due_at is None


def test_in_whatever_order_paying_and_closing_arrive_the_payment_ends_paid(
    new_payment: Callable[..., Payment], wiring: Wiring
) -> None:
    steps = {"pay": paid, "want to close": closing, "close": closed}
    for order in set(itertools.permutations(["pay", "want to close", "close", "close", "pay"])):
        payment = new_payment(Status.PENDING)
        for step in order:
            try:
                steps[step](payment.out_trade_no, wiring, payment.amount)
            except RefusedUpdate:
                continue
        after = wiring.store.get(payment.out_trade_no)
        assert after is not None
        assert after.status is Status.PAID
        assert len(after.history) == after.version
        assert [entry.event for entry in after.history].count("PaymentSucceeded") == 1
