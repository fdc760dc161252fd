"""A stage for what goes wrong in between: the clock is the test's, WeChat Pay follows a script, and others act meanwhile."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from payments.core import identifiers
from payments.core.errors import StorageUnavailableError
from payments.core.lifecycle import Status
from payments.core.payment import Payment
from payments.settings import Settings
from payments.wiring import Wiring
from tests.kit.functions import function
from tests.kit.payments import facts_of, put
from tests.payments.calls import Calls
from wechatpay.errors import RefusedError, UnknownOutcomeError

START = 1_800_000_000
SILENCE = UnknownOutcomeError("ReadTimeout")
TROUBLE = UnknownOutcomeError("HTTP 500", http_status=500)  # answered, so nothing is on its way any more
ORDER: dict[str, Any] = {"contentId": "content-1", "amount": 10, "subject": "A thing"}
Told = tuple[int, dict[str, Any]]
SHOPS = (f"shop-{n}" for n in itertools.count())  # the tables are shared; the orders of a stage are its own


class DiedError(BaseException):
    """The process ends here: nobody handles it."""


class Script:
    """WeChat Pay: each operation's answers in turn. An exception is raised, a function called, anything else returned."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, list[Any]] = defaultdict(list)

    def says(self, operation: str, *answers: Any) -> None:
        """What comes next; an operation without an answer must not be asked for."""
        self._answers[operation] = list(answers)

    def _answer(self, operation: str) -> Any:
        self.asked.append(operation)
        answer = self._answers[operation].pop(0)
        answer = answer() if callable(answer) else answer
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def order_native(self, _request: bytes) -> Any:
        return self._answer("native")

    def order_jsapi(self, _request: bytes) -> Any:
        return self._answer("jsapi")

    def close(self, _out_trade_no: str) -> Any:
        return self._answer("close")

    def query_by_out_trade_no(self, _out_trade_no: str) -> Any:
        return self._answer("query")

    def refund(self, request: bytes) -> Any:
        self.request = json.loads(request)
        return self._answer("refund")

    def query_refund(self, _out_refund_no: str) -> Any:
        return self._answer("query_refund")


class StagedWiring(Wiring):
    """Waits by moving the clock; `meanwhile` is what others do in the next waits."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self.time: float = START
        self.meanwhile: list[Callable[[], object]] = []
        self.counted: list[str] = []

    def now(self) -> float:
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds
        if self.meanwhile:
            self.meanwhile.pop(0)()

    def measure(self, values: Mapping[str, float], unit: str = "Count", **dimensions: str) -> None:
        self.counted += values


class Between:
    """A part of the wiring before whose next call of one verb somebody else acts."""

    def __init__(self, part: Any, verb: str, act: Callable[[], object]) -> None:
        self._part, self._verb, self._act = part, verb, act

    def __getattr__(self, verb: str) -> Any:
        if verb == self._verb:
            self._verb = ""
            self._act()
        return getattr(self._part, verb)


class Lost:
    """A part of the wiring whose next call of one verb goes wrong: `before` it has an effect, `after`, or `repeated` by the SDK."""

    def __init__(self, part: Any, verb: str, how: str) -> None:
        self._part, self._verb, self._how = part, verb, how

    def __getattr__(self, verb: str) -> Any:
        call = getattr(self._part, verb)
        if verb != self._verb:
            return call
        self._verb = ""

        def lost(*given: Any, **named: Any) -> Any:
            if self._how != "before":
                call(*given, **named)
            if self._how == "repeated":
                return call(*given, **named)
            raise StorageUnavailableError("ReadTimeoutError")

        return lost


class Stage:
    """The handlers on that stage; `wechat` is the script, `wiring` what the handlers are wired to."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.wiring: Any = calls.wiring
        self.wechat = Script()
        self.wiring.__dict__["wechat"] = self.wechat
        self.store = self.wiring.store
        self.shop = next(SHOPS)
        self._functions: dict[str, Any] = {}

    def create(self, key: str | None = "k", **changed: object) -> Told:
        """POST native, by a backend for itself."""
        return self.calls.as_(self.shop, "payments:charge", "native", body=ORDER | changed, key=key)

    def close(self, payment: Payment) -> Told:
        """POST close, by a backend."""
        body = {"outTradeNo": payment.out_trade_no}
        return self.calls.as_(self.shop, "payments:charge", "close", body=body)

    def query(self, payment: Payment) -> Told:
        """GET query, by a backend."""
        return self.calls.as_(self.shop, "payments:charge", "query", number=payment.out_trade_no)

    def settle(self, *messages: Payment | dict[str, object], may_send: bool = False) -> list[str]:
        """One batch of a queue of due payments, as Lambda hands it over; the numbers that are to be delivered again."""
        bodies = [
            {"out_trade_no": each.out_trade_no, "may_send": may_send} if isinstance(each, Payment) else each
            for each in messages
        ]
        records = [{"messageId": str(each["out_trade_no"]), "body": json.dumps(each)} for each in bodies]
        failures = self.function("settle").lambda_handler({"Records": records}, None)["batchItemFailures"]
        return [failure["itemIdentifier"] for failure in failures]

    def function(self, name: str) -> Any:
        """A function without a route, wired to this stage; the same each time."""
        if name not in self._functions:
            self._functions[name] = function(name)
            self._functions[name].wiring = self.wiring
        return self._functions[name]

    @property
    def retry_after(self) -> int:
        """Of the last answer."""
        return int(self.calls.headers["retry-after"])

    def another_process(self) -> Wiring:
        """What another process of the same stack has."""
        return Wiring(self.wiring.settings._environment)

    def number(self, key: str = "k") -> str:
        """The number of the order with this key."""
        scope = self.wiring.settings.stack_scope
        return identifiers.out_trade_no(scope=scope, route="native", caller=self.shop, key=key)

    def stored(self, what: Payment | str | None = None) -> Payment:
        """A payment as it is now: by itself, by its number, or the one with the key `k`."""
        number = what.out_trade_no if isinstance(what, Payment) else what or self.number()
        found: Payment | None = self.store.get(number)
        assert found is not None
        return found

    def put(self, status: Status) -> Payment:
        """A payment in that status."""
        return put(self.wiring, status)

    def lives(self, minutes: int) -> None:
        """How long orders can be paid, from now on."""
        environment = {**self.wiring.settings._environment, "ORDER_MINUTES": str(minutes)}
        self.wiring.settings = Settings(environment)

    # ---- what others do ----

    def somebody_closes(self, what: Payment | None = None) -> None:
        """The order is being closed."""
        now = int(self.wiring.time)
        self.store.begin_close(self.stored(what).out_trade_no, cause="close", due_at=now + 60, now=now)

    def it_is_closed(self, what: Payment | None = None) -> None:
        """WeChat Pay has said that it is closed."""
        now = int(self.wiring.time)
        self.store.confirm_close(self.stored(what).out_trade_no, cause="settle", now=now)

    def it_is_paid(self, what: Payment | None = None) -> None:
        """A notification says that it is paid."""
        from payments.use_cases.evidence import apply_order

        payment = self.stored(what)
        facts = facts_of(payment.out_trade_no, total=payment.amount)
        apply_order(facts, source="notification", wiring=self.wiring)

    def somebody_sends(self, what: Payment | None = None, claim: str = "other") -> Payment:
        """Another function takes over the send."""
        now = int(self.wiring.time)
        return self.store.claim(self.stored(what), claim=claim, until=now + 15, due_at=now + 60, now=now)


def refusal(
    code: str, status: int = 400, *, proven: bool = True, request_id: str | None = "R"
) -> RefusedError:
    """A refusal of WeChat Pay."""
    return RefusedError(code=code, message="", http_status=status, request_id=request_id, proven=proven)


def order_object(payment: Payment, state: str, **changed: object) -> dict[str, object]:
    """The answer to a query."""
    found: dict[str, object] = {
        "out_trade_no": payment.out_trade_no,
        "mchid": payment.mchid,
        "appid": payment.appid,
        "trade_state": state,
    }
    if state in ("SUCCESS", "REFUND"):
        found |= {
            "transaction_id": f"42{payment.out_trade_no[2:]}",
            "amount": {"total": payment.amount, "currency": "CNY"},
        }
    return found | changed
