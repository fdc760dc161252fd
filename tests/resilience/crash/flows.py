"""The flows: each prepares, arms the run, and lets its callers begin. What follows is everybody's recovery."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.resilience.crash.run import Run
from tests.resilience.crash.shop import WAITS, Reply, Shop

MAX_ATTEMPTS = 20  # orders of one checkout
ORDER_LIFE_SECONDS = 2 * 3600 + 60  # seconds after which an unpaid order is closed


@dataclass(frozen=True)
class Flow:
    """`counted` names the functions whose effects go wrong; `begin` gets a run and its shop."""

    name: str
    counted: tuple[str, ...]
    begin: Callable[[Run, Shop], None]


def create(run: Run, shop: Shop, *, function: str, retried: bool) -> None:
    """A caller opens an order; the buyer pays by what the caller was answered."""
    run.arm()
    key = shop.key if retried else None
    shop.repeat(lambda: shop.order(function, key=key), shop.pay_by, WAITS if retried else ())


def create_for_buyer(run: Run, shop: Shop) -> None:
    """A named buyer's order, repeated without a key: what is open already is found."""
    run.arm()
    shop.repeat(lambda: shop.order("native", buyer=f"buyer-{run.number}"), shop.pay_by)


def overtaken(run: Run, shop: Shop) -> None:
    """The notification arrives before the order's own answer is stored."""

    def paid_meanwhile() -> None:
        for order in run.world.orders(run.name):
            shop.pay(order["out_trade_no"])
        shop.notified()

    run.effects.before["store.record_credential"] = paid_meanwhile
    run.arm()
    shop.repeat(lambda: shop.order("native", key=shop.key), lambda _: None)


def notify(run: Run, shop: Shop) -> None:
    """The buyer pays; the notification is all that tells."""
    number = shop.opened()
    run.arm()
    shop.pay(number)


def notify_refund(run: Run, shop: Shop, *, end: str) -> None:
    """A refund ends; the notification is all that tells."""
    number = shop.paid()
    run.world.control("settings", {"refundAfter": None})
    run.promises.refunds_asked = 1
    reply = shop.refund(number, key=shop.key)
    assert reply is not None
    shop.refunded(reply)
    run.world.control("settings", {"refundAfter": 1.0})
    run.arm()
    run.world.control("refund", {"outRefundNo": reply.data["outRefundNo"], "status": end})


def query(run: Run, shop: Shop) -> None:
    """The notification is lost; a caller asks, and a stranger does."""
    number = shop.opened()
    shop.pay(number)
    run.courier = False
    run.look()
    run.arm()
    shop.repeat(lambda: shop.call("query", number=number), lambda _: None)
    stranger = shop.call("query", number=number, scope="payments:pay", sub="stranger")
    if stranger is not None and stranger.status == 200:
        run.promises.told.append("I7 a stranger was answered")


def refund(run: Run, shop: Shop, *, keyed: bool, retried: bool) -> None:
    """The back office refunds a part."""
    number = shop.paid()
    run.promises.refunds_asked = 1
    run.arm()
    waits = WAITS if retried else ()
    key = shop.key if keyed else None
    shop.repeat(lambda: shop.refund(number, key=key), shop.refunded, waits)


def refund_race(run: Run, shop: Shop) -> None:
    """Two refunds of one order, of which there is money for one; the other comes in between reading and reserving."""
    number = shop.paid()
    run.promises.refunds_asked = 2

    def other() -> None:
        reply = shop.refund(number, key=f"{shop.key}-other", amount=800, aside=True)
        if reply is not None:
            shop.refunded(reply)

    run.effects.before["refunds.reserve"] = other
    run.arm()
    shop.repeat(lambda: shop.refund(number, key=shop.key, amount=800), shop.refunded)


def close(run: Run, shop: Shop, *, paid_at: str | None = None, notified: bool = False) -> None:
    """A caller closes an unpaid order; the buyer pays just before the effect `paid_at`, and is `notified` at once."""
    number = shop.opened()

    def paid_meanwhile() -> None:
        shop.pay(number)
        if notified:
            shop.notified()

    if paid_at is not None:
        run.effects.before[paid_at] = paid_meanwhile
    run.arm()
    shop.repeat(lambda: shop.call("close", {"outTradeNo": number}), lambda _: None)


def lost_payment(run: Run, shop: Shop) -> None:
    """Paid, and no notification ever arrives."""
    run.courier = False
    shop.pay(shop.opened())
    run.arm()


def lost_create(run: Run, shop: Shop, *, mode: str) -> None:
    """The order's own sender has died before or after WeChat Pay got it, and its caller has given up."""
    run.effects.prepared["wechat.order_native"] = mode
    shop.order("native", key=shop.key)
    run.advance(0 if mode == "die_before" else ORDER_LIFE_SECONDS)
    run.arm()


def lost_refund(run: Run, shop: Shop, *, mode: str) -> None:
    """The refund's own sender has died before or after WeChat Pay got it; no notification, no retry."""
    number = shop.paid()
    run.courier = False
    run.promises.refunds_asked = 1
    run.effects.prepared["wechat.refund"] = mode
    shop.refund(number, key=shop.key)
    run.arm()


def expiry(run: Run, shop: Shop) -> None:
    """Nobody pays, and nobody looked until the order's time was over."""
    shop.opened()
    run.advance(ORDER_LIFE_SECONDS)
    run.arm()


def keep(run: Run, shop: Shop) -> None:
    """A backend keeps a checkout; one device opens it and pays."""
    run.arm()

    def opened(reply: Reply) -> None:
        token = str(reply.data["checkoutUrl"]).rpartition("/")[2]
        shop.repeat(lambda: shop.open(token, "native"), shop.pay_shown)

    shop.repeat(lambda: shop.checkout(key=shop.key), opened)


def open_checkout(run: Run, shop: Shop, *, retried: bool) -> None:
    """A device opens a checkout, and its buyer pays."""
    token = shop.kept()
    run.promises.orders_asked = MAX_ATTEMPTS
    run.arm()
    shop.repeat(lambda: shop.open(token, "native"), shop.pay_shown, WAITS if retried else ())


def take_over(run: Run, shop: Shop, *, paid_at: str | None = None) -> None:
    """Another device takes a checkout over and its buyer pays; the first one pays just before the effect `paid_at`."""
    token = shop.kept()
    run.promises.orders_asked = MAX_ATTEMPTS
    first = shop.open(token, "native")
    assert first is not None
    run.advance(3)
    if paid_at is not None:
        run.effects.before[paid_at] = lambda: shop.pay_shown(first)
    run.arm()
    shop.repeat(lambda: shop.open(token, "h5"), shop.pay_shown)


def taken_over_from(run: Run, shop: Shop, *, at: str) -> None:
    """The second device takes over just before the effect `at` of the first."""
    token = shop.kept()
    run.promises.orders_asked = MAX_ATTEMPTS

    def overtaken() -> None:
        run.wait(3)
        shop.repeat(lambda: shop.open(token, "h5", aside=True), shop.pay_shown)

    run.effects.before[at] = overtaken
    run.arm()
    shop.repeat(lambda: shop.open(token, "native"), lambda _: None, ())


def checkout_paid(run: Run, shop: Shop) -> None:
    """A checkout is paid, and the bus tells."""
    token = shop.kept()
    reply = shop.open(token, "native")
    assert reply is not None
    run.arm()
    shop.pay_shown(reply)


FLOWS = (
    Flow("checkout", ("checkout_intent", "checkout_open"), keep),
    Flow("checkout_open", ("checkout_open",), partial(open_checkout, retried=True)),
    Flow("checkout_given_up", ("checkout_open",), partial(open_checkout, retried=False)),
    Flow("checkout_take_over", ("checkout_open",), take_over),
    Flow("checkout_take_over_paid", ("checkout_open",), partial(take_over, paid_at="wechat.close")),
    Flow("checkout_overtaken", ("checkout_open",), partial(taken_over_from, at="store.create")),
    Flow(
        "checkout_overtaken_late", ("checkout_open",), partial(taken_over_from, at="store.record_credential")
    ),
    Flow("checkout_paid", ("checkout_paid",), checkout_paid),
    Flow("native", ("native",), partial(create, function="native", retried=True)),
    Flow("native_given_up", ("native",), partial(create, function="native", retried=False)),
    Flow("native_buyer", ("native",), create_for_buyer),
    Flow("native_overtaken", ("native",), overtaken),
    Flow("jsapi", ("jsapi",), partial(create, function="jsapi", retried=True)),
    Flow("app", ("app",), partial(create, function="app", retried=True)),
    Flow("h5", ("h5",), partial(create, function="h5", retried=True)),
    Flow("h5_given_up", ("h5",), partial(create, function="h5", retried=False)),
    Flow("notify", ("notify",), notify),
    Flow("notify_refund", ("notify",), partial(notify_refund, end="SUCCESS")),
    Flow("notify_refund_closed", ("notify",), partial(notify_refund, end="CLOSED")),
    Flow("query", ("query",), query),
    Flow("refund", ("refund",), partial(refund, keyed=True, retried=True)),
    Flow("refund_given_up", ("refund",), partial(refund, keyed=True, retried=False)),
    Flow("refund_no_key", ("refund",), partial(refund, keyed=False, retried=True)),
    Flow("refund_race", ("refund",), refund_race),
    Flow("close", ("close",), close),
    Flow("close_paid", ("close",), partial(close, paid_at="wechat.close")),
    Flow("close_overtaken", ("close",), partial(close, paid_at="store.begin_close", notified=True)),
    Flow("sweep", ("sweep",), lost_payment),
    Flow("settle_payment", ("settle",), lost_payment),
    Flow("settle_lost_create", ("settle",), partial(lost_create, mode="die_before")),
    Flow("settle_expiry", ("settle",), expiry),
    Flow("settle_refund_answer", ("settle",), partial(lost_refund, mode="die_after")),
    Flow("settle_refund_never_sent", ("settle",), partial(lost_refund, mode="die_before")),
    Flow("publish", ("publish",), notify),
    Flow("journal", ("journal",), notify),
    Flow("journal_refund", ("journal",), partial(refund, keyed=True, retried=True)),
)
BY_NAME = {flow.name: flow for flow in FLOWS}
