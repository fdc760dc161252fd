"""A connection that is kept for the next request: dropped before it is stale, and worth a second one when it was stale all the same."""

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.kit.authority import Authority
from tests.wechatpay.gateway import client, proof, request_of
from tests.wechatpay.test_transport import trusting
from wechatpay import transport
from wechatpay.errors import RefusedError, UnknownOutcomeError

pytestmark = pytest.mark.in_turn

BODY = b'{"status":"PROCESSING"}'
REFUND = b'{"out_refund_no":"RF1234","amount":{"refund":1}}'
Deed = Callable[[socket.socket], None]


class Host:
    """A host of WeChat Pay that keeps its connections; `deeds` says what it does with each request, in order.

    When they are used up it answers. `heard` holds the number of the connection and the bytes of each request; a
    connection on which nothing comes for `patience` seconds is closed.
    """

    def __init__(
        self, *deeds: Deed, patience: float | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.heard: list[tuple[int, bytes]] = []
        self.connections = 0
        self._deeds = list(deeds)
        self._patience = patience
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        scheme = "http" if tls is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def used(self) -> list[int]:
        """The number of the connection on which each request came."""
        return [connection for connection, _ in self.heard]

    def stop(self) -> None:
        """Hang up on everybody."""
        for sock in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), connection:
            spoken = connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)
            self._open.append(spoken)
            spoken.settimeout(self._patience)
            with spoken:
                while request := request_of(spoken):
                    self.heard.append((number, request))
                    (self._deeds.pop(0) if self._deeds else answered)(spoken)


def head(body: bytes, status: str = "200 OK") -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in proof(body).items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode()


def answered(connection: socket.socket) -> None:
    connection.sendall(head(BODY) + BODY)


def refused(connection: socket.socket) -> None:
    body = b'{"code":"NOT_ENOUGH","message":"no"}'
    connection.sendall(head(body, "403 Forbidden") + body)


def closed(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket.close(connection) if isinstance(connection, ssl.SSLSocket) else connection.close()


def forgotten(connection: socket.socket) -> None:
    """Nothing comes any more, and nobody says so: what a gateway between does with a connection that it forgot."""
    connection.settimeout(30)
    while connection.recv(65536):
        pass


def answered_and_forgotten(connection: socket.socket) -> None:
    answered(connection)
    forgotten(connection)


def saying(*parts: bytes, then: Deed = closed) -> Deed:
    def deed(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.05)  # so that it is there before a reset takes it away
        then(connection)

    return deed


def late(deed: Deed, seconds: float) -> Deed:
    def later(connection: socket.socket) -> None:
        time.sleep(seconds)
        deed(connection)

    return later


class Clock:
    """Epoch seconds that the test moves: the host's own time, and the monotonic clock, go on as they do."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    """Starts hosts, and stops them in the end."""
    started: list[Host] = []

    def start(*deeds: Deed, **given: Any) -> Host:
        started.append(Host(*deeds, **given))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture(params=["http", "https"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """What a host and a session need to speak with each other, with TLS and without."""
    if request.param == "http":
        return {"tls": None, "session": None}
    authority = Authority(tmp_path)
    return {"tls": authority.context(), "session": trusting(authority)}


@pytest.mark.parametrize(
    ("seconds", "used"), [(4.0, [1, 1]), (5.5, [1, 2]), (9.0, [1, 2]), (40 * 60, [1, 2]), (-60.0, [1, 2])]
)
def test_a_connection_is_used_again_within_a_safe_time_by_the_clock_and_no_longer(
    host: Any, clock: Clock, seconds: float, used: list[int]
) -> None:
    """A process that was frozen for minutes finds its sockets as they were; a clock that was set back tells nothing."""
    main, backup = host(), host()
    asking = client(main.origin, backup.origin, clock=clock)
    asking.query_refund("RF1")
    clock.ahead += seconds
    # Signed by a clock of minutes ahead, the answer of now would not be believed.
    with contextlib.suppress(UnknownOutcomeError):
        asking.query_refund("RF1")
    assert main.used == used


def test_an_idle_connection_that_nobody_hears_any_more_is_not_waited_for(host: Any, clock: Clock) -> None:
    main, backup = host(answered_and_forgotten), host()
    asking = client(main.origin, backup.origin, clock=clock)
    asking.query_refund("RF1")
    clock.ahead += 8
    began = time.monotonic()
    assert asking.query_refund("RF1") == {"status": "PROCESSING"}
    assert time.monotonic() - began < 2
    assert (main.used, backup.used) == ([1, 2], [])


def test_time_that_only_the_monotonic_clock_has_seen_counts_too(host: Any) -> None:
    main = host()
    standing = time.time()
    asking = client(main.origin, clock=lambda: standing)
    asking.query_refund("RF1")
    time.sleep(transport.MAX_IDLE_SECONDS + 0.2)
    asking.query_refund("RF1")
    assert main.used == [1, 2]


def test_a_host_that_closes_idle_connections_is_asked_on_a_new_one(host: Any, line: dict[str, Any]) -> None:
    main, backup = host(patience=0.1, tls=line["tls"]), host()
    asking = client(main.origin, backup.origin, session=line["session"])
    for _ in range(3):
        asking.query_refund("RF1")
        time.sleep(0.3)
    assert (main.used, backup.used) == ([1, 2, 3], [])


DEATHS = {"closed": closed, "reset": reset, "closed after a while": late(closed, 0.3)}


@pytest.mark.parametrize("death", DEATHS.values(), ids=DEATHS.keys())
def test_a_kept_connection_that_dies_without_a_word_is_replaced_and_the_backup_host_not_asked(
    host: Any, line: dict[str, Any], death: Deed
) -> None:
    told: list[object] = []
    main, backup = host(answered, death, tls=line["tls"]), host()
    asking = client(
        main.origin, backup.origin, session=line["session"], on_call=lambda *call: told.append(call[2])
    )
    asking.refund(REFUND)
    assert asking.refund(REFUND) == {"status": "PROCESSING"}
    assert (main.used, backup.used, told) == ([1, 1, 2], [], [None, None])


def test_what_is_sent_once_more_has_the_same_body_and_a_signature_of_its_own(host: Any) -> None:
    main = host(answered, closed)
    nonces = (f"nonce{number}" for number in range(9))
    asking = client(main.origin, nonce=lambda: next(nonces))
    asking.refund(REFUND)
    asking.refund(REFUND)
    _, (_, lost), (_, again) = main.heard
    assert lost.partition(b"\r\n\r\n")[2] == again.partition(b"\r\n\r\n")[2] == REFUND
    assert [re.findall(rb'nonce_str="(\w+)"', sent) for sent in (lost, again)] == [[b"nonce1"], [b"nonce2"]]


def test_a_refusal_after_a_kept_connection_died_may_follow_a_request_that_was_taken(host: Any) -> None:
    asking = client(host(answered, closed, refused).origin, host().origin)
    asking.refund(REFUND)
    with pytest.raises(RefusedError) as told:
        asking.refund(REFUND)
    assert (told.value.after_unknown, told.value.proven) == (True, True)


def test_a_refused_question_after_a_kept_connection_died_stands_by_itself(host: Any) -> None:
    asking = client(host(answered, closed, refused).origin, host().origin)
    asking.query_refund("RF1234")
    with pytest.raises(RefusedError) as told:
        asking.query_refund("RF1234")
    assert not told.value.after_unknown


HALVES = {
    "half a status line": saying(b"HTTP/1.1 2"),
    "half a status line, reset": saying(b"HTTP/1.1 2", then=reset),
    "half the headers": saying(head(BODY)[:60]),
    "half the headers, reset": saying(head(BODY)[:60], then=reset),
    "half the body": saying(head(BODY), BODY[:5]),
    "half the body, reset": saying(head(BODY), BODY[:5], then=reset),
    "a hundred and no more": saying(b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
def test_after_the_first_byte_of_an_answer_the_outcome_is_unknown(
    host: Any, line: dict[str, Any], half: Deed
) -> None:
    main, backup = host(answered, half, tls=line["tls"]), host(refused, tls=line["tls"])
    asking = client(main.origin, backup.origin, session=line["session"])
    asking.refund(REFUND)
    with pytest.raises(RefusedError) as told:
        asking.refund(REFUND)
    assert told.value.after_unknown
    assert (main.used, backup.used) == ([1, 1], [1])


@pytest.mark.parametrize("death", [closed, reset])
def test_a_new_connection_that_dies_leaves_the_outcome_unknown(host: Any, death: Deed) -> None:
    main, backup = host(death), host(refused)
    with pytest.raises(RefusedError) as told:
        client(main.origin, backup.origin).refund(REFUND)
    assert told.value.after_unknown
    assert (main.used, backup.used) == ([1], [1])


def test_once_more_is_once_and_then_the_backup_host_has_its_try(host: Any) -> None:
    main, backup = host(answered, closed, closed), host(refused)
    asking = client(main.origin, backup.origin)
    asking.refund(REFUND)
    with pytest.raises(RefusedError) as told:
        asking.refund(REFUND)
    assert told.value.after_unknown
    assert (main.used, backup.used) == ([1, 1, 2], [1])


def test_a_second_kept_connection_that_dies_is_not_replaced(host: Any) -> None:
    """Another call of the same process leaves one behind just before the request goes out once more."""
    main, backup = host(answered, closed, answered, closed), host(refused)
    calls = 0

    def nonce() -> str:
        nonlocal calls
        calls += 1
        if calls == 3:
            asking.query_refund("RF1")
        return "n" * 32

    asking = client(main.origin, backup.origin, nonce=nonce)
    asking.refund(REFUND)
    with pytest.raises(RefusedError) as told:
        asking.refund(REFUND)
    assert told.value.after_unknown
    assert (main.used, backup.used) == ([1, 1, 2, 2], [1])


def test_the_backup_hosts_own_kept_connection_is_replaced_as_well(host: Any) -> None:
    main, backup = host(closed, closed), host(answered, closed)
    asking = client(main.origin, backup.origin)
    for _ in range(2):
        assert asking.refund(REFUND) == {"status": "PROCESSING"}
    assert (main.used, backup.used) == ([1, 2], [1, 1, 2])


def test_a_kept_connection_on_which_no_answer_comes_in_time_is_an_unknown_outcome(host: Any) -> None:
    main, backup = host(answered, forgotten), host()
    asking = client(main.origin, backup.origin, seconds=1.2)
    asking.refund(REFUND)
    with pytest.raises(UnknownOutcomeError, match="no time left"):
        asking.refund(REFUND)
    assert (main.used, backup.used) == ([1, 1], [])


def test_nothing_is_sent_once_more_when_no_time_is_left_for_an_answer(host: Any) -> None:
    main = host(answered, late(closed, 0.8))
    asking = client(main.origin, seconds=1.2)
    asking.refund(REFUND)
    began = time.monotonic()
    with pytest.raises(UnknownOutcomeError):
        asking.refund(REFUND)
    assert time.monotonic() - began < 1.2
    assert main.used == [1, 1]


def test_both_tries_of_one_host_share_its_five_seconds(host: Any) -> None:
    main, backup = host(answered, late(closed, 2.5), forgotten), host()
    asking = client(main.origin, backup.origin)
    asking.refund(REFUND)
    began = time.monotonic()
    assert asking.refund(REFUND) == {"status": "PROCESSING"}
    assert 4.5 < time.monotonic() - began < 7  # 7.5 if each had its own
    assert (main.used, backup.used) == ([1, 1, 2], [1])


def test_with_one_dead_connection_the_others_of_its_host_are_given_up(host: Any) -> None:
    """Four calls at once leave four connections behind; a host that restarts takes them all."""
    together = threading.Barrier(4, timeout=5)

    def at_once(connection: socket.socket) -> None:
        together.wait()
        answered(connection)

    main, backup = host(*[at_once] * 4, closed), host()
    asking = client(main.origin, backup.origin)
    with ThreadPoolExecutor(4) as calls:
        list(calls.map(asking.query_refund, ["RF1"] * 4))
    assert asking.query_refund("RF1") == {"status": "PROCESSING"}
    assert (sorted(main.used[:4]), main.used[4] < 5, main.used[5:], backup.used) == (
        [1, 2, 3, 4],
        True,
        [5],
        [],
    )
