"""Calls to WeChat Pay APIv3: sign the bytes that are sent, judge the bytes that arrived.

Source: WeChat Pay APIv3, "Query order", "Close order", "Refund", "Query refund" and "Cross-city disaster recovery" (backup
host). The calls that create orders are in order_calls.py, those with sensitive members in sensitive_calls.py, bills in bill_calls.py.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
from urllib3.exceptions import HTTPError

from wechatpay import downloading, transport
from wechatpay.answers import Answer, read_answer
from wechatpay.decryption import decrypt
from wechatpay.errors import RefusedError, UnknownOutcomeError
from wechatpay.keys import VerificationKeys, load_certificate
from wechatpay.order_calls import OrderCalls
from wechatpay.signing import MerchantSigner

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 5.0  # seconds for one try
MIN_TRY_SECONDS = 0.5  # with less left, asking is not worth the risk of not hearing the answer
MAX_ANSWER_BYTES = 1 << 20  # the answers of the operations here are a few kilobytes
USER_AGENT = "wechatpay-serverless"


@dataclass(frozen=True)
class _Call:
    """What is asked of WeChat Pay; `serial` names the key of its that this is for, None the preferred one."""

    method: str
    path_and_query: str
    body: bytes = b""
    serial: str | None = None


class Client(OrderCalls):
    """Calls WeChat Pay APIv3 as one merchant.

    `signer` gives the merchant's present signer (keys change, clients stay); `gateways` are origins, tried in order, at
    most one try each (a kept connection that turns out to be dead is none); `clock` gives epoch seconds; `nonce` gives
    up to 32 characters; `remaining` gives the seconds that the caller can still wait, which shorten a try or leave it
    out; `told` hears of every call: operation, seconds that it took, and the error that it raises, if any; `session` is
    one of `transport.session`. Every operation raises RefusedError when WeChat Pay definitely said no, and
    UnknownOutcomeError when nobody can tell.
    """

    def __init__(
        self,
        *,
        signer: Callable[[], MerchantSigner],
        keys: VerificationKeys,
        gateways: Sequence[str],
        clock: Callable[[], float],
        nonce: Callable[[], str],
        remaining: Callable[[], float] = lambda: 60.0,
        on_call: Callable[[str, float, RefusedError | UnknownOutcomeError | None], None] = lambda *_: None,
        session: requests.Session | None = None,
    ) -> None:
        self.signer = signer
        self.keys = keys
        self._gateways = tuple(gateway.rstrip("/") for gateway in gateways)
        self._clock = clock
        self._nonce = nonce
        self._remaining = remaining
        self._on_call = on_call
        self._session = session or transport.session(clock)

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order. Only 204 means closed: 202 is documented as "the user is paying"."""
        body = json.dumps({"mchid": self.signer().mchid}, separators=(",", ":")).encode()
        path = f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        answer = self.request("close", "POST", path, body)
        if answer.status != 204:
            raise UnknownOutcomeError("not closed", http_status=answer.status, request_id=answer.request_id)

    def refund(self, request: bytes) -> dict[str, object]:
        """Ask for a refund, or repeat the same one; `request` is the complete JSON body. Returns the refund object.

        An answer means accepted, not refunded: `status` tells.
        """
        return self.request("refund", "POST", "/v3/refund/domestic/refunds", request).members

    def query_refund(self, out_refund_no: str) -> dict[str, object]:
        """The refund object of our refund number. RefusedError with RESOURCE_NOT_EXISTS when there is none."""
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        return self.request("query_refund", "GET", path).members

    def certificates(self, apiv3_keys: Sequence[bytes]) -> dict[str, str]:
        """WeChat Pay's platform certificates in PEM, by serial number (40 hex digits), old and new side by side.

        The answer counts only with a signature by a key that is trusted already, and what is in it only when it
        decrypts with an APIv3 key. RefusedError with RESOURCE_NOT_EXISTS for a merchant that has the WeChat Pay public
        key instead; DecryptionError; KeyFormatError. Source: WeChat Pay APIv3, "Download platform certificates".
        """
        answer = self.request("certificates", "GET", "/v3/certificates")
        try:
            entries: Any = answer.members["data"]
            return dict(_opened(entry, apiv3_keys) for entry in entries)
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as problem:
            raise UnknownOutcomeError(
                "the answer has no list of certificates", http_status=200, request_id=answer.request_id
            ) from problem

    def query_by_out_trade_no(self, out_trade_no: str) -> dict[str, object]:
        """What WeChat Pay knows of our order number: the members of "Query order by merchant order number".

        RefusedError with ORDER_NOT_EXIST when it has no such order.
        """
        return self._query(f"/v3/pay/transactions/out-trade-no/{quote(out_trade_no, safe='')}")

    def query_by_transaction_id(self, transaction_id: str) -> dict[str, object]:
        """The same by WeChat's own number, which exists only once an order is paid."""
        return self._query(f"/v3/pay/transactions/id/{quote(transaction_id, safe='')}")

    def _query(self, path: str) -> dict[str, object]:
        return self.request("query", "GET", f"{path}?mchid={self.signer().mchid}").members

    def request(
        self, operation: str, method: str, path_and_query: str, body: bytes = b"", serial: str | None = None
    ) -> Answer:
        """One call, told of as `operation`; `serial` names WeChat Pay's key that it is for, None the preferred one."""
        began = time.monotonic()
        try:
            answer = self._exchange(_Call(method, path_and_query, body, serial))
        except (RefusedError, UnknownOutcomeError) as problem:
            self._on_call(operation, time.monotonic() - began, problem)
            raise
        self._on_call(operation, time.monotonic() - began, None)
        return answer

    def download(self, url: str, *, path: str) -> Iterator[bytes]:
        """The file that `url` leads to, piece by piece and unproven; it must be this path of one of the gateways.

        UnknownOutcomeError when it does not arrive whole, and for any other address.
        """
        downloading.check_link(url, path=path, gateways=self._gateways)
        began = time.monotonic()
        try:
            yield from downloading.pieces(
                lambda patience: self._start("GET", url, patience, {"Accept": "*/*"}), self._remaining()
            )
        except UnknownOutcomeError as problem:
            self._on_call("download", time.monotonic() - began, problem)
            raise
        self._on_call("download", time.monotonic() - began, None)

    def _exchange(self, call: _Call) -> Answer:
        """Sign, send, verify; the next gateway is asked with the same body when the first leaves the outcome open."""
        unknown: UnknownOutcomeError | None = None
        for gateway in self._gateways:
            try:
                return self._attempt(gateway, call)
            except RefusedError as refused:
                refused.after_unknown |= unknown is not None
                raise
            except UnknownOutcomeError as problem:
                unknown = problem
                if problem.http_status == 429:
                    break
        raise unknown or UnknownOutcomeError("no gateway is configured")

    def _attempt(self, gateway: str, call: _Call) -> Answer:
        """One try: a kept connection that turns out to be dead is replaced within it, once."""
        deadline = time.monotonic() + READ_TIMEOUT_SECONDS
        lost = False
        try:
            try:
                response, content = self._send(gateway, call, deadline)
            except transport.KeptConnectionLostError:
                # The same bytes under the same number are the same wish, whether WeChat Pay has taken it or not; but a
                # refusal does not tell which.
                lost = call.method != "GET"
                response, content = self._send(gateway, call, deadline)
        except (requests.RequestException, HTTPError, transport.KeptConnectionLostError) as problem:
            raise UnknownOutcomeError(type(problem).__name__) from problem
        try:
            return read_answer(
                response.status_code, response.headers, content, keys=self.keys, now=self._clock()
            )
        except RefusedError as refused:
            refused.after_unknown = lost
            raise

    def _send(self, gateway: str, call: _Call, deadline: float) -> tuple[requests.Response, bytes]:
        patience = min(self._remaining(), deadline - time.monotonic())
        if patience < MIN_TRY_SECONDS:
            raise UnknownOutcomeError("no time left to ask")
        headers = {"Accept": "application/json"}
        if call.body:
            headers["Content-Type"] = "application/json"
        if named := call.serial or self.keys.preferred:
            headers["Wechatpay-Serial"] = named
        url = gateway + call.path_and_query
        with self._start(call.method, url, patience, headers, call.body) as response:
            return response, _read(response)

    def _start(
        self, method: str, url: str, patience: float, headers: Mapping[str, str], body: bytes = b""
    ) -> requests.Response:
        """Sign and send; an answer of which only the headers are there."""
        signer = self.signer()
        try:
            prepared = self._session.prepare_request(
                requests.Request(
                    method, url, headers={"User-Agent": USER_AGENT, **headers}, data=body or None
                )
            )
            # requests may percent-encode the path, so what it will send is what is signed.
            prepared.headers["Authorization"] = signer.authorization(
                method, prepared.path_url, int(self._clock()), self._nonce(), body
            )
            timeout = min(CONNECT_TIMEOUT_SECONDS, patience), patience
            return self._session.send(prepared, timeout=timeout, allow_redirects=False, stream=True)
        except ValueError:
            # Not chained: it is about a header, and quotes it.
            raise UnknownOutcomeError("the request cannot be sent as it is") from None


def _opened(entry: Any, apiv3_keys: Sequence[bytes]) -> tuple[str, str]:
    """Serial number and PEM of one downloaded certificate."""
    sealed = entry["encrypt_certificate"]
    text = decrypt(
        ciphertext=sealed["ciphertext"],
        nonce=sealed["nonce"],
        associated_data=sealed.get("associated_data", ""),
        keys=apiv3_keys,
    ).decode()
    return load_certificate(text)[0], text


def _read(response: requests.Response) -> bytes:
    """The answer's bytes. A drip-fed, cut-off or oversized answer raises urllib3's HTTPError."""
    content = b""
    # read1 returns what has arrived; read and iter_content would wait for a full buffer, one timeout per packet.
    while chunk := response.raw.read1(16384, decode_content=True):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise HTTPError("the answer is too large")
    return content
