"""Where checkouts are kept: put once, and from then on moved by conditional updates alone.

A refused write raises RefusedUpdate with what there is instead, and the caller decides again. A second attempt never
begins beside one that somebody else has begun: every attempt names the one before it.
"""

from collections.abc import Collection
from typing import Any

from payments.core.checkouts.checkout import Checkout, Hold
from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.lifecycle import PAYMENT_DUPLICATED
from payments.core.payment import Payment
from payments.storage.checkouts.item import C, checkout_of, get, present, refused
from payments.storage.items import P, append, put, read, write


class CheckoutStore:
    """One stack's checkouts. All times in epoch seconds."""

    def __init__(self, *, checkouts_table: str) -> None:
        C.Meta.table_name = checkouts_table

    def get(self, checkout_id: str) -> Checkout | None:
        """The checkout as of now (a consistent read), or None."""
        return get(checkout_id)

    def get_all(self, checkout_ids: Collection[str]) -> dict[str, Checkout]:
        """Those of these checkouts, at most a hundred, that there are, as of now (one consistent read), by their ids."""
        keys: list[Any] = [{"checkout_id": each} for each in checkout_ids]
        answer = read(lambda: C._get_connection().batch_get_item(keys, consistent_read=True))
        if answer.get("UnprocessedKeys"):  # what was left out must not look as if it were not there
            raise StorageUnavailableError("UnprocessedKeys")
        found = map(checkout_of, answer["Responses"].get(C.Meta.table_name, ()))
        return {checkout.checkout_id: checkout for checkout in found}

    def found(self, checkout_id: str, refusal: RefusedUpdate) -> Checkout | None:
        """The checkout that a refused write has met, or None; it is read where the refusal does not tell."""
        return refusal.checkout or self.get(checkout_id)

    def create(self, checkout: Checkout) -> None:
        """Keep a new checkout. RefusedUpdate when its id exists."""
        item = C(**{name: value for name, value in vars(checkout).items() if value})
        item.attempt, item.visits = 0, {}
        put(item, checkout.checkout_id, C.checkout_id.does_not_exist(), refused=refused)

    def begin_attempt(self, seen: Checkout, hold: Hold, *, now: int) -> Checkout:
        """Begin the attempt after those that were `seen`, for the device that holds it from now on.

        RefusedUpdate when another one has begun since, and when the checkout is paid. Whoever calls has seen to it that nobody can
        pay the order before.
        """
        unmoved = (C.attempt == seen.attempt) & C.paid_by.does_not_exist() & C.frozen.does_not_exist()
        actions = [
            C.attempt.set(seen.attempt + 1),
            C.attempted_at.set(now),
            C.current.set(present(hold)),
        ]
        return _update(seen.checkout_id, actions, unmoved)

    def record_paid(self, seen: Checkout, out_trade_no: str) -> Checkout:
        """The first order of this checkout that was paid. If it is not the current one, no attempt begins any more: frozen.

        RefusedUpdate when one is written down already, or another attempt has begun since `seen`.
        """
        current = seen.current is not None and seen.current.out_trade_no == out_trade_no
        actions = [C.paid_by.set(out_trade_no)] + ([] if current else [C.frozen.set(True)])
        return _update(seen.checkout_id, actions, (C.attempt == seen.attempt) & C.paid_by.does_not_exist())

    def mark_duplicate(self, seen: Payment, *, of: str, now: int) -> Payment:
        """The checkout of this paid order had been paid by the order `of` before; its event tells that, once.

        RefusedUpdate when it is marked already, or has moved since `seen`.
        """
        return append(
            seen.out_trade_no,
            [P.duplicate_of.set(of)],
            (P.version == seen.version) & P.duplicate_of.does_not_exist(),
            status=seen.status,
            cause="checkout",
            now=now,
            event=PAYMENT_DUPLICATED,
            amount=seen.paid,
            transaction_id=seen.transaction_id,
        )


def _update(checkout_id: str, actions: list[Any], condition: Any) -> Checkout:
    given = {"actions": actions, "return_values": "ALL_NEW"}
    condition = C.checkout_id.exists() & condition
    return checkout_of(write("UpdateItem", C, checkout_id, condition, refused, **given)["Attributes"])
