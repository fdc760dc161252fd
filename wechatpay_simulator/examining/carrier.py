"""Carries notifications to the examinee, genuine and forged ones, and remembers each answer."""

import secrets
import threading
from collections.abc import Callable, Container, Mapping

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.examining.row import ExamError
from wechatpay_simulator.notifications.courier import HEADERS
from wechatpay_simulator.notifications.notification import Notification
from wechatpay_simulator.notifications.post import Told, connected, tell
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.protocol.signing import Signer
from wechatpay_simulator.triggering.kinds import Kind
from wechatpay_simulator.triggering.occasions import Occasion, notification_of, payment_told
from wechatpay_simulator.triggering.tampering import signature_of, tampered

_PAYMENT = Kind("TRANSACTION.SUCCESS", "transaction")
_FAILED_PAYMENT = Kind("TRANSACTION.FAIL", "transaction")
_REFUND = Kind("REFUND.SUCCESS", "refund")
_CONNECT_SECONDS = 2.0


class Carrier:
    """To `url`, on this machine or on one of the hosts `others`; signed with `keys` by `clock`.

    `last_words` gives what the examinee has to say for itself when nobody listens any more.
    """

    def __init__(
        self,
        url: str,
        *,
        credentials: Credentials,
        keys: Keys,
        clock: Timepiece,
        others: Container[str] = (),
        last_words: Callable[[], str] = str,
    ) -> None:
        self.url = url
        self.answers: list[tuple[str, Told]] = []
        """Of each notification so far: the row that it was for, and what came of it."""
        self.row = ""
        self._credentials = credentials
        self._keys = keys
        self._clock = clock
        self._others = others
        self._last_words = last_words

    def signer(self) -> Signer:
        """The key of WeChat Pay's that signs a notification now."""
        return self._keys.for_notification()

    def payment(self, occasion: Occasion, **changes: object) -> Notification:
        """Of a payment that there has not been; `changes` are members of what is encrypted."""
        return self.of_kind(_PAYMENT, self._payment_told(occasion) | changes)

    def failed_payment(self, occasion: Occasion) -> Notification:
        """Of a payment that came to nothing."""
        return self.of_kind(_FAILED_PAYMENT, self._payment_told(occasion) | {"trade_state": "PAYERROR"})

    def _payment_told(self, occasion: Occasion) -> dict[str, object]:
        return payment_told(occasion, self._credentials, self.url, self._clock.time())

    def of_kind(self, kind: Kind, plaintext: dict[str, object] | None = None) -> Notification:
        """Of any kind, with what its document has, or this."""
        return self._notification(kind, Occasion(new_number(), new_number(), 1, plaintext))

    def refund(self, out_trade_no: str, amount: int) -> Notification:
        """Of a refund of so many fen that there has not been."""
        return self._notification(_REFUND, Occasion(out_trade_no, new_number(), amount))

    def _notification(self, kind: Kind, occasion: Occasion) -> Notification:
        return notification_of(
            kind,
            occasion,
            self._credentials,
            url=self.url,
            serial=self.signer().serial,
            now=self._clock.time(),
        )

    def tell(self, notification: Notification, *, tamper: str | None = None, age: float = 0) -> Told:
        """Once, newly signed, as of `age` seconds ago; wrong in the way of `tamper` (triggering.tampering)."""
        notification = tampered(notification, tamper)
        if age:
            return self.tell_so(notification, self.signer().headers(notification.body, age=age))
        return self.tell_so(notification, self.signed(notification, tamper=tamper))

    def signed(self, notification: Notification, *, tamper: str | None = None) -> Mapping[str, str]:
        """Headers with a signature of now."""
        return signature_of(notification.body, self.signer(), tamper, self._clock.time)

    def tell_so(self, notification: Notification, signature: Mapping[str, str]) -> Told:
        """Once, with these signature headers. Raises ExamError when nobody listens there any more."""
        told = tell(self.url, HEADERS | dict(signature), notification.body, others=self._others)
        self.answers.append((self.row, told))
        if told.status == "unreachable" and not listens(self.url):
            raise ExamError(f"nobody listens at {self.url} any more{self._last_words()}")
        return told

    def tell_at_once(self, notification: Notification, copies: int) -> list[Told]:
        """So many at the same moment, each on a connection and with a signature of its own."""
        signatures = [self.signed(notification) for _ in range(copies)]
        ready = threading.Barrier(copies)
        found: list[Told] = []

        def carry(signature: Mapping[str, str]) -> None:
            ready.wait()
            found.append(tell(self.url, HEADERS | dict(signature), notification.body, others=self._others))

        threads = [threading.Thread(target=carry, args=(each,), daemon=True) for each in signatures]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.answers += [(self.row, told) for told in found]
        return found


def listens(url: str) -> bool:
    """Whether the port of this address takes connections."""
    try:
        with connected(url, seconds=_CONNECT_SECONDS):
            return True
    except (OSError, UnicodeError):  # the latter of a host whose name cannot be one
        return False


def new_number() -> str:
    """An out_trade_no or an out_refund_no that nobody has."""
    return f"EXAM{secrets.token_hex(10).upper()}"
