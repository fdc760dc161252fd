"""The line to AWS: its certificate is verified, by roots that are read once; proxies are what botocore makes of them."""

import socket
import time
from pathlib import Path
from typing import Any

import certifi
import pytest
from botocore.exceptions import ProxyConnectionError

from payments.core.errors import StorageUnavailableError
from payments.storage.aws import client
from payments.storage.payments import PaymentStore
from payments.storage.quarantine import Quarantine
from payments.storage.tables import PaymentItem, QuarantineItem
from payments.storage.unpublished import Unpublished
from tests.aws.conftest import At, stored
from tests.aws.service import Service, saying
from tests.kit.authority import Authority
from wechatpay.tls import client_context

ITEM = saying({"Item": stored()})
ONCE = saying({"Item": stored()}, kept=False)
SECRET = saying({"Name": "signing", "SecretString": "{}"})

pytestmark = pytest.mark.usefixtures("without_pauses")


@pytest.fixture
def store() -> PaymentStore:
    return PaymentStore(payments_table="payments", due_shards=4)


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority that the function trusts, as AWS's tools are told so."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file))
    return authority


def test_a_table_with_a_trusted_certificate_is_heard(store: PaymentStore, at: At, trusted: Authority) -> None:
    with Service(ITEM, tls=trusted.context()) as service:
        at(service.url)
        assert store.get("WX1") is not None
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "fault",
    [{"host": "dynamodb.us-east-1.amazonaws.com"}, {"host": "127.0.0.2"}, {"ended": True}, {"own": True}],
    ids=str,
)
def test_a_table_with_a_faulty_certificate_is_neither_told_nor_believed_anything(
    store: PaymentStore, at: At, trusted: Authority, fault: dict[str, Any]
) -> None:
    with Service(ITEM, tls=trusted.context(**fault)) as service:
        at(service.url)
        with pytest.raises(StorageUnavailableError, match=r"^SSLError$"):
            store.get("WX1")
    assert service.asked == []


def test_who_names_no_authority_trusts_the_public_ones_alone(
    store: PaymentStore, at: At, authority: Authority
) -> None:
    with Service(ITEM, tls=authority.context()) as service:
        at(service.url)
        with pytest.raises(StorageUnavailableError, match=r"^SSLError$"):
            store.get("WX1")
    assert service.asked == []


def test_root_certificates_are_read_once_for_all_connections_and_services(
    store: PaymentStore, at: At, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = tmp_path / "many.pem"  # the public ones, and the test's
    many.write_text(Path(certifi.where()).read_text() + authority.file.read_text())
    monkeypatch.setenv("AWS_CA_BUNDLE", str(many))
    began = time.process_time()
    client_context.__wrapped__(str(many))
    reading = time.process_time() - began
    with Service(ONCE, tls=authority.context()) as service:  # each answer ends its connection
        at(service.url)
        secrets = client("secretsmanager")
        store.get("WX1")
        spent = []
        for call in [lambda: store.get("WX1"), lambda: secrets.get_secret_value(SecretId="s")] * 5:
            began = time.process_time()
            call()
            spent.append(time.process_time() - began)
    assert service.connections == 11
    assert sorted(spent)[5] < reading / 2  # both ends of a connection, and the call


def test_a_request_is_written_at_once_head_and_body(store: PaymentStore, at: At, trusted: Authority) -> None:
    with Service(ITEM, ITEM, SECRET, tls=trusted.context()) as service:
        at(service.url)
        store.get("WX1")
        store.get("WX1")
        client("secretsmanager").get_secret_value(SecretId="signing")
    assert [request.count(b"\r\n\r\n{") for request in service.asked] == [1, 1, 1]
    assert service.records == 3


def test_all_tables_share_a_connection(store: PaymentStore, at: At) -> None:
    quarantine = Quarantine(quarantine_table="quarantine")
    with Service(ITEM, saying({}), ITEM) as service:
        at(service.url)
        store.get("WX1")
        quarantine.keep(reason="other_amount", source="query", out_trade_no="WX1", facts={}, now=7)
        store.get("WX1")
    assert (service.connections, len(service.asked)) == (1, 3)
    assert (
        PaymentItem._get_connection().connection.client is QuarantineItem._get_connection().connection.client
    )


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_either_variable_of_botocores_names_the_authorities(
    store: PaymentStore, at: At, authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.file))
    with Service(ITEM, tls=authority.context()) as service:
        at(service.url)
        assert store.get("WX1") is not None


def test_a_file_of_authorities_that_is_not_there_stops_everything(
    store: PaymentStore, at: At, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.file) + ".gone")
    with Service(ITEM, tls=authority.context()) as service:
        at(service.url)
        with pytest.raises(StorageUnavailableError):
            store.get("WX1")
    assert service.asked == []


def test_a_secret_comes_from_a_server_with_a_trusted_certificate_alone(at: At, trusted: Authority) -> None:
    with Service(SECRET, tls=trusted.context()) as service:
        at(service.url)
        read = client("secretsmanager").get_secret_value(SecretId="signing")
    assert read["SecretString"] == "{}"

    with Service(SECRET, tls=trusted.context(own=True)) as service:
        at(service.url)
        with pytest.raises(Exception, match="SSL validation failed"):
            client("secretsmanager").get_secret_value(SecretId="signing")
    assert service.asked == []


def test_a_record_is_sent_to_the_bucket_when_s3_has_said_that_it_will_take_it(
    at: At, trusted: Authority
) -> None:
    came = bytearray()

    def taking(sock: socket.socket) -> bool:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not came.endswith(b"\r\n0\r\n\r\n"):  # the last chunk, after S3's own chunks and their checksum
            came.extend(sock.recv(65536))
        return saying(b"")(sock)

    with Service(taking, tls=trusted.context()) as service:
        at(service.url)
        bucket = Unpublished(bucket="unpublished", client=client("s3"))
        key = bucket.keep({"dynamodb": {"SequenceNumber": "7"}}, reason="KeyError", now=1_800_000_000)
    (request,) = service.asked
    assert request.startswith(f"PUT /unpublished/{key} HTTP/1.1".encode())
    assert b"x-amz-checksum-crc32" in came
    assert rb"\"SequenceNumber\":\"7\"" in came


def test_a_proxy_of_the_environment_is_gone_through(
    store: PaymentStore, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Service(ITEM) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        at("http://dynamodb.us-east-1.amazonaws.com")
        assert store.get("WX1") is not None
    (request,) = proxy.asked
    assert request.startswith(b"POST http://dynamodb.us-east-1.amazonaws.com/ HTTP/1.1\r\n")


def test_a_proxy_that_is_not_there_is_told_as_such(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Service(ITEM) as gone:
        url = gone.url
    monkeypatch.setenv("https_proxy", url)
    at("https://secretsmanager.us-east-1.amazonaws.com")
    with pytest.raises(ProxyConnectionError):
        client("secretsmanager").get_secret_value(SecretId="signing")
