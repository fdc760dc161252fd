"""Which mistake a signature has that does not hold: found by trying, in words, for the merchant's own key alone."""

import base64
import binascii
import threading
from collections import deque
from collections.abc import Iterable

from wechatpay_simulator.clock import Timepiece
from wechatpay_simulator.credentials import Credentials
from wechatpay_simulator.protocol.authorization import MAX_CLOCK_SKEW_SECONDS, Authorization
from wechatpay_simulator.protocol.call import Endpoint
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.protocol.refusals import Refusal
from wechatpay_simulator.protocol.signing import MerchantKey
from wechatpay_simulator.watching.form import mistake_of_form
from wechatpay_simulator.watching.texts import Known, Parts, mistakes

_REMEMBERED = 32  # requests
_LARGEST = 16 * 1024  # bytes of a remembered body


class Mistakes:
    """Remembers the latest of the requests that it is shown; `endpoints` are the calls that there are."""

    def __init__(
        self, credentials: Credentials, keys: MerchantKeys, clock: Timepiece, endpoints: Iterable[Endpoint]
    ) -> None:
        self._mchid = credentials.mchid
        self._keys = keys
        self._clock = clock
        plain = (each.path.pattern for each in endpoints if not each.path.groups)
        self._paths = tuple(dict.fromkeys(plain))
        self._platform = {
            credentials.wechat_public_key_id,
            credentials.platform_serial_no,
            credentials.platform_serial_no_new,
        }
        self._lock = threading.Lock()
        self._earlier: deque[Parts] = deque(maxlen=_REMEMBERED)

    def remember(self, header: str, *, method: str, target: bytes, body: bytes) -> None:
        """This request came: a later one may carry its signature."""
        try:
            caller = Authorization.parse(header)
        except Refusal:
            return
        if len(body) <= _LARGEST:
            with self._lock:
                self._earlier.appendleft(_parts(caller, method=method, target=target, body=body))

    def sentence(self, header: str, *, method: str, target: bytes, body: bytes, host: str) -> str:
        """What is wrong with a request that was refused for its Authorization."""
        try:
            caller = Authorization.parse(header)
        except Refusal:
            return mistake_of_form(header)
        if late := self._late(int(caller.timestamp)):
            return late
        if caller.mchid != self._mchid:
            return f"mchid is another merchant's: this simulator's is {self._mchid}"
        signature = _decoded(caller.signature)
        key = self._keys.find(caller.serial_no)
        if key is None:
            return self._of_serial(caller.serial_no, signature)
        if signature is None:
            return _not_base64(caller.signature)
        digest = key.digest_signed(signature)
        if digest is None:
            return self._of_key(key, signature)
        right = _parts(caller, method=method, target=target, body=body)
        with self._lock:
            known = Known(self._mchid, host, self._paths, tuple(self._earlier))
        for tried, words in mistakes(right, known):
            if tried.digest() == digest:
                return words
        if body:
            return "the signature covers another body than the one that came, or another nonce_str: the key is right, and nothing else that was tried fits"
        return "the signature covers another nonce_str than the header's, or another path: the key is right, and nothing else that was tried fits"

    def _late(self, timestamp: int) -> str:
        ahead = timestamp - self._clock.time()
        if abs(ahead) <= MAX_CLOCK_SKEW_SECONDS:
            return ""
        if abs(timestamp / 1000 - self._clock.time()) <= MAX_CLOCK_SKEW_SECONDS:
            return "the timestamp is in milliseconds: it is in seconds"
        way = "ahead of" if ahead > 0 else "behind"
        return f"the timestamp is {abs(ahead):.0f} s {way} the simulator's clock, {MAX_CLOCK_SKEW_SECONDS} s are allowed"

    def _of_serial(self, serial_no: str, signature: bytes | None) -> str:
        known = self._keys.known()
        if serial_no in self._platform:
            said = "serial_no names a key of WeChat Pay's: it is the serial number of the merchant's API certificate"
        elif any(serial_no.upper() == serial for serial, _ in known):
            said = "serial_no is of a certificate of the merchant's that is not accepted now"
        else:
            said = "serial_no is of no certificate of this merchant"
        for serial, key in known:
            if signature is not None and key.digest_signed(signature) is not None:
                return f"{said}; the key that signed is that of {serial}"
        return said

    def _of_key(self, named: MerchantKey, signature: bytes) -> str:
        for serial, key in self._keys.known():
            if key.digest_signed(signature) is not None:
                return f"the key that signed is that of the merchant's certificate {serial}, serial_no names the other"
        if hashed := named.hash_of(signature):
            return f"the signature is of a {hashed} hash: it is of SHA-256"
        if len(signature) != named.size:
            return f"the signature has {len(signature)} bytes: one of this certificate's key has {named.size}"
        return (
            "another private key made the signature than that of the certificate which serial_no names, "
            "or its padding is not PKCS #1 v1.5"
        )


def _parts(caller: Authorization, *, method: str, target: bytes, body: bytes) -> Parts:
    return Parts(method.encode(), target, caller.timestamp.encode(), caller.nonce_str.encode(), body)


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None


def _not_base64(signature: str) -> str:
    if signature.startswith("WECHATPAY/SIGNTEST/"):
        return "the signature is a probe's: WeChat Pay sends those, a merchant does not"
    if set("-_") & set(signature) and not set("+/") & set(signature):
        return "the signature is in the URL alphabet of Base64: it is in the standard one"
    return "the signature is not standard Base64"
