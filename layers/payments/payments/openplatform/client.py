"""The two questions to the open platform: whose code is this, to an official account or to a mini program?

Sources: WeChat, "Web authorization" (网页授权), step 2; "code2Session". The app's secret stands in the address of both, so no
exception of requests, which quotes addresses, leaves this module, be it as a cause or a context of another.
"""

import time
from collections.abc import Callable

import requests
from urllib3.exceptions import HTTPError

from payments.openplatform.answers import MAX_ANSWER_BYTES, UnknownAnswerError, openid_in
from wechatpay import transport

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 5.0  # seconds for one question, its repetition on a fresh connection included
MIN_TRY_SECONDS = 0.5  # with less left, asking would use up the code for nothing

OFFICIAL_ACCOUNT = ("/sns/oauth2/access_token", "code")
MINI_PROGRAM = ("/sns/jscode2session", "js_code")

_Answer = tuple[int, bytes]


class OpenPlatform:
    """Asks at `origin`. `clock` gives epoch seconds, `remaining` the seconds that the caller can still wait."""

    def __init__(
        self, *, origin: str, clock: Callable[[], float], remaining: Callable[[], float] = lambda: 60.0
    ) -> None:
        self._origin = origin
        self._remaining = remaining
        self._session = transport.session(clock)

    def openid(self, code: str, *, appid: str, secret: str, mini_program: bool) -> str:
        """Who the person is to this app; the code is used up by that. Raises the errors of `answers.openid_in`."""
        path, named = MINI_PROGRAM if mini_program else OFFICIAL_ACCOUNT
        members = {"appid": appid, "secret": secret, named: code, "grant_type": "authorization_code"}
        answer = self._asked(path, members)
        if isinstance(answer, str):
            raise UnknownAnswerError(answer)
        return openid_in(*answer)

    def _asked(self, path: str, members: dict[str, str]) -> _Answer | str:
        """Status and content, or what broke."""
        deadline = time.monotonic() + READ_TIMEOUT_SECONDS
        try:
            try:
                return self._sent(path, members, deadline)
            except transport.KeptConnectionLostError:
                # Most likely nobody has read the question. If somebody has, the code is used up, as any lost answer has it.
                return self._sent(path, members, deadline)
        except (requests.RequestException, HTTPError, transport.KeptConnectionLostError) as problem:
            return type(problem).__name__

    def _sent(self, path: str, members: dict[str, str], deadline: float) -> _Answer | str:
        patience = min(self._remaining(), deadline - time.monotonic())
        if patience < MIN_TRY_SECONDS:
            return "no time left to ask"
        prepared = self._session.prepare_request(
            requests.Request(
                "GET", self._origin + path, params=members, headers={"Accept": "application/json"}
            )
        )
        with self._session.send(
            prepared,
            timeout=(min(CONNECT_TIMEOUT_SECONDS, patience), patience),
            allow_redirects=False,  # the address goes nowhere else
            stream=True,
        ) as response:
            return response.status_code, _read(response)


def _read(response: requests.Response) -> bytes:
    """The answer's bytes. One that is too large raises urllib3's HTTPError."""
    content = b""
    while chunk := response.raw.read1(16384, decode_content=True):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise HTTPError("the answer is too large")
    return content
