"""What DynamoDB's faults come to, over a real socket: how often the SDK asks, and what its caller is told in the end."""

import json
import socket
from collections.abc import Callable

import pytest

from payments.core.errors import RefusedUpdate, StorageUnavailableError
from payments.core.payment import Credential, Payment
from payments.storage.payments import PaymentStore
from tests.aws.conftest import At, stored
from tests.aws.service import Answer, Service, breaking_off, hanging_up, refusing, saying, silent
from tests.kit.payments import a_payment

HTML = b"<html><body><b>Http/1.1 Service Unavailable</b></body></html>"
PENDING = {"code_url": {"S": "weixin://wxpay/x"}, "status": {"S": "PENDING"}, "version": {"N": "2"}}
ANSWERS = {  # to each operation, where all is well
    "GetItem": {"Item": stored()},
    "UpdateItem": {"Attributes": stored() | PENDING},
    "PutItem": {},
}


def read(store: PaymentStore) -> Payment | None:
    return store.get("WX1")


def write(store: PaymentStore) -> Payment | None:
    return store.record_credential(
        a_payment(), Credential(code_url="weixin://wxpay/x"), expires_at=1, due_at=2, now=3
    )


def put(store: PaymentStore) -> Payment | None:
    store.create(a_payment(), due_at=2)
    return None


CALLS: dict[str, Callable[[PaymentStore], Payment | None]] = {
    "GetItem": read,
    "UpdateItem": write,
    "PutItem": put,
}

pytestmark = pytest.mark.usefixtures("without_pauses")
Hurry = Callable[[float], None]


@pytest.fixture
def store() -> PaymentStore:
    return PaymentStore(payments_table="payments", due_shards=4)


FAULTS: dict[str, tuple[Answer, str, int]] = {  # what happens, what it is called, and how often is asked
    "dropped": (hanging_up, "ConnectionClosedError", 3),
    "silent": (silent, "ReadTimeoutError", 3),
    "500": (refusing("InternalServerError", 500), "InternalServerError", 3),
    "throttled": (
        refusing("ProvisionedThroughputExceededException"),
        "ProvisionedThroughputExceededException",
        3,
    ),
    "throttled by the account": (refusing("ThrottlingException"), "ThrottlingException", 3),
    "denied": (refusing("AccessDeniedException"), "AccessDeniedException", 1),
    "expired": (refusing("ExpiredTokenException"), "ExpiredTokenException", 1),
    "invalid": (refusing("ValidationException"), "ValidationException", 1),
    "HTML of a 503": (saying(HTML, 503, kind="text/html"), "503", 3),
    "HTML of a 403": (saying(HTML, 403, kind="text/html"), "403", 1),
    "an empty 500": (saying(b"", 500), "500", 3),
    "an empty 400": (saying(b"", 400), "400", 1),
    "HTML of a 200": (saying(HTML, kind="text/html"), "HTTPClientError", 3),
    "an empty 200": (saying(b""), "HTTPClientError", 3),
    "a JSON object cut off": (saying(b'{"Item": {'), "HTTPClientError", 3),
    "a bad checksum": (saying({"Item": stored()}, checksum=1), "HTTPClientError", 3),
    "a redirect": (saying(b"", 302), "302", 1),
}


@pytest.mark.share(4)
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_lasts(
    fault: str, operation: str, store: PaymentStore, at: At, impatient: Hurry
) -> None:
    answer, code, times = FAULTS[fault]
    if answer is silent:
        impatient(0.2)
    with Service(answer) as service:
        at(service.url)
        with pytest.raises(StorageUnavailableError, match=rf"^{code}$"):
            CALLS[operation](store)

    assert [operation.encode() in request for request in service.asked] == [True] * times


REPEATED = {name: answer for name, (answer, _, times) in FAULTS.items() if times == 3} | {
    "a bad checksum": saying({"Item": stored(user_id={"S": "somebody else"})}, checksum=1),
    "half an answer": breaking_off(json.dumps({"Item": stored(), "Attributes": stored()}).encode()),
}


@pytest.mark.share(4)
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("fault", REPEATED)
def test_a_fault_that_passes_is_nothing_that_its_caller_hears_of(
    fault: str, operation: str, store: PaymentStore, at: At, impatient: Hurry
) -> None:
    if fault == "silent":
        impatient(2)  # the second answer must come in that time, on a busy machine too
    well = saying(ANSWERS[operation])
    with Service(REPEATED[fault], well) as service:
        at(service.url)
        found = CALLS[operation](store)

    assert len(service.asked) == 2
    if found is not None:
        assert (found.out_trade_no, found.user_id, found.subject) == ("WX1", "user-1", "一张照片")


def test_each_repetition_is_signed_anew_and_known_as_the_same_call(store: PaymentStore, at: At) -> None:
    with Service(hanging_up, saying(ANSWERS["GetItem"])) as service:
        at(service.url)
        read(store)

    first, second = (dict(_headers(request)) for request in service.asked)
    assert first["amz-sdk-invocation-id"] == second["amz-sdk-invocation-id"]
    assert (first["amz-sdk-request"][:9], second["amz-sdk-request"][-16:]) == (
        "attempt=1",
        "attempt=2; max=3",
    )
    assert all(
        each["authorization"].startswith("AWS4-HMAC-SHA256 Credential=key/") for each in (first, second)
    )


def _headers(request: bytes) -> list[tuple[str, str]]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]


def test_a_condition_that_does_not_hold_is_asked_once_and_told_as_refused(
    store: PaymentStore, at: At
) -> None:
    with Service(refusing("ConditionalCheckFailedException")) as service:
        at(service.url)
        for call in (write, put):
            with pytest.raises(RefusedUpdate):
                call(store)
    assert len(service.asked) == 2


def test_what_is_not_there_is_none(store: PaymentStore, at: At) -> None:
    with Service(saying({})) as service:
        at(service.url)
        assert read(store) is None


def test_where_nobody_listens_there_is_no_connection(store: PaymentStore, at: At) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    at(url)
    with pytest.raises(StorageUnavailableError, match=r"^EndpointConnectionError$"):
        read(store)


def test_a_name_that_nobody_has_is_no_connection(store: PaymentStore, at: At) -> None:
    at("http://dynamodb.invalid")
    with pytest.raises(StorageUnavailableError, match=r"^EndpointConnectionError$"):
        read(store)


def test_a_connection_that_does_not_come_about_is_given_up(
    store: PaymentStore, at: At, impatient: Hurry
) -> None:
    impatient(0.2)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        waiting = [socket.socket() for _ in range(4)]  # more than the kernel takes before anybody accepts
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        at(f"http://127.0.0.1:{address[1]}")
        with pytest.raises(StorageUnavailableError, match=r"^ConnectTimeoutError$"):
            read(store)
        for one in waiting:
            one.close()


def test_calls_share_a_connection_and_a_dead_one_is_replaced(store: PaymentStore, at: At) -> None:
    well, last = saying(ANSWERS["GetItem"]), saying(ANSWERS["GetItem"], kept=False)
    with Service(well, well, last, well) as service:
        at(service.url)
        for _ in range(3):
            read(store)
        assert service.connections == 1
        read(store)
    assert (service.connections, len(service.asked)) == (2, 4)
