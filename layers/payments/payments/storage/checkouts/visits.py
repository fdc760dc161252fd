"""Browsers within WeChat that were asked who their buyer is: kept with the checkout, each answer used once."""

from typing import Any

from payments.core.checkouts.checkout import Checkout, Visit
from payments.core.checkouts.rules import MAX_VISITS
from payments.storage.checkouts.item import C, checkout_of, present, refused
from payments.storage.items import write


class VisitStore:
    """The visits of one stack's checkouts. `device` is the hash of a browser's own cookie (`identifiers.visit_key`)."""

    def __init__(self, *, checkouts_table: str) -> None:
        C.Meta.table_name = checkouts_table

    def begin(self, seen: Checkout, device: str, *, nonce_hash: str, until: int, now: int) -> Checkout:
        """Await the return of this browser with this nonce until then; what it was before is forgotten.

        The oldest visit makes room where there are MAX_VISITS. RefusedUpdate when there is no such checkout.
        """
        visit = Visit(at=now, nonce_hash=nonce_hash, until=until)
        actions = [C.visits[device].set(present(visit))]
        others = sorted((visit.at, key) for key, visit in seen.visits.items() if key != device)
        actions += [C.visits[key].remove() for _, key in others[: max(0, len(others) - MAX_VISITS + 1)]]
        return _update(seen.checkout_id, actions, C.checkout_id.exists())

    def use_nonce(self, checkout_id: str, device: str, *, nonce_hash: str, now: int) -> Checkout:
        """The return has come, and no second one will be believed. RefusedUpdate when it is not awaited, not now, not here."""
        visit = C.visits[device]
        awaited = (visit["nonce_hash"] == nonce_hash) & (visit["until"] > now)
        return _update(checkout_id, [visit["nonce_hash"].remove(), visit["until"].remove()], awaited)

    def identify(self, checkout_id: str, device: str, *, openid: str, appid: str) -> Checkout:
        """Who this browser's buyer is, as this app knows them. RefusedUpdate when there is no such visit any more."""
        visit = C.visits[device]
        return _update(checkout_id, [visit["openid"].set(openid), visit["appid"].set(appid)], visit.exists())


def _update(checkout_id: str, actions: list[Any], condition: Any) -> Checkout:
    given = {"actions": actions, "return_values": "ALL_NEW"}
    return checkout_of(write("UpdateItem", C, checkout_id, condition, refused, **given)["Attributes"])
