"""`python -m wechatpay_simulator` from outside: its file, its one line of output, its end."""

import json
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from tests.kit.program import Program

pytestmark = pytest.mark.share(2, of_file=True)

NAMES = {
    "mchid",
    "appid",
    "apiV3Key",
    "merchantPrivateKey",
    "merchantCertificate",
    "merchantSerialNo",
    "merchantPrivateKeyNew",
    "merchantCertificateNew",
    "merchantSerialNoNew",
    "wechatPublicKeyId",
    "wechatPublicKey",
    "wechatPrivateKey",
    "platformCertificate",
    "platformPrivateKey",
    "platformSerialNo",
    "platformCertificateNew",
    "platformPrivateKeyNew",
    "platformSerialNoNew",
    "appSecret",
    "miniProgramAppid",
    "miniProgramSecret",
    "mobileAppid",
}


def start(path, *arguments):
    command = [
        sys.executable,
        "-m",
        "wechatpay_simulator",
        "--port",
        "0",
        "--credentials",
        str(path),
        *arguments,
    ]
    return Program(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_urls_serves_and_ends_without_a_word(tmp_path, number):
    path = tmp_path / "deep" / "credentials.json"
    with start(path) as process:
        url = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
        with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=5) as answer:
            assert json.load(answer) == {"orders": []}
        found = re.fullmatch(r"open platform: (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found is not None
        with urllib.request.urlopen(f"{found[1]}/sns/auth", timeout=5) as answer:
            assert json.load(answer)["errcode"] == 41001
        process.send_signal(number)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["credentials.json"]


def test_the_credentials_are_real_and_belong_together(credentials_file):
    document = json.loads(credentials_file.read_text())
    assert document.keys() == NAMES
    assert re.fullmatch(r"[0-9]{10}", document["mchid"])
    appids = [document[name] for name in ("appid", "miniProgramAppid", "mobileAppid")]
    assert all(re.fullmatch(r"wx[0-9a-f]{16}", appid) for appid in appids)
    assert len(set(appids)) == 3
    for name in ("appSecret", "miniProgramSecret"):
        assert re.fullmatch(r"[0-9a-f]{32}", document[name])
    assert re.fullmatch(r"[0-9A-Za-z]{32}", document["apiV3Key"])
    assert re.fullmatch(r"PUB_KEY_ID_[0-9]+", document["wechatPublicKeyId"])
    for whose, new in (("merchant", ""), ("platform", ""), ("platform", "New")):
        key = load_pem_private_key(document[f"{whose}PrivateKey{new}"].encode(), None)
        certificate = x509.load_pem_x509_certificate(document[f"{whose}Certificate{new}"].encode())
        assert certificate.public_key() == key.public_key()
        assert key.key_size == 2048
        assert re.fullmatch(r"[0-9A-F]{40}", document[f"{whose}SerialNo{new}"])
        assert int(document[f"{whose}SerialNo{new}"], 16) == certificate.serial_number
    key = load_pem_private_key(document["wechatPrivateKey"].encode(), None)
    assert load_pem_public_key(document["wechatPublicKey"].encode()) == key.public_key()


def test_a_file_that_is_there_is_used_again(credentials_file):
    before = credentials_file.read_bytes()
    with start(credentials_file) as process:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert credentials_file.read_bytes() == before


def test_serve_is_what_it_does_without_a_word(credentials_file):
    command = [sys.executable, "-m", "wechatpay_simulator", "serve", "--credentials", str(credentials_file)]
    with Program(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=5) as answer:
            assert json.load(answer) == {"orders": []}
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("name", ["wechatpay_simulator", "sandbox.simulator"])
def test_its_help_tells_of_every_command_by_its_former_name_too(name):
    told = subprocess.run(
        [sys.executable, "-m", name, "--help"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    for word in ("serve", "--port", "--log", "trigger", "--tamper", "exam", "--notify"):
        assert word in told


def test_a_minute_between_refunds_is_asked_for_with_a_flag(credentials_file):
    with start(credentials_file, "--minute-between-refunds") as process:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/settings", timeout=5) as answer:
            assert json.load(answer)["minuteBetweenRefunds"] is True
        process.terminate()
        assert process.wait(timeout=10) == 0


def refused(path, *arguments):
    with start(path, *arguments) as process:
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output) == (2, "")
    assert "Traceback" not in errors
    return errors


def test_a_file_that_is_broken_is_refused_and_left_alone(credentials_file, tmp_path):
    document = json.loads(credentials_file.read_text())
    broken = {
        "cannot be read as JSON": "{",
        "has no text under 'mchid'": "[]",
        "has no text under 'apiV3Key'": json.dumps(document | {"apiV3Key": None}),
        "has no text under 'mobileAppid'": json.dumps(document | {"mobileAppid": None}),
        "apiV3Key is not 32 bytes long": json.dumps(document | {"apiV3Key": "short"}),
        "do not belong together": json.dumps(document | {"merchantPrivateKey": document["wechatPrivateKey"]}),
        "(RecursionError)": "[" * 100_000,
        "private key is encrypted": json.dumps(
            document | {"wechatPrivateKey": with_a_password(document["wechatPrivateKey"])}
        ),
        "wechatPublicKeyId is not of letters": json.dumps(document | {"wechatPublicKeyId": "a\r\nb"}),
        "mchid is not of letters": json.dumps(document | {"mchid": "商户"}),
    }
    path = tmp_path / "broken.json"
    for sentence, text in broken.items():
        path.write_text(text)
        errors = refused(path)
        assert sentence in errors
        assert "PRIVATE KEY" not in errors
        assert path.read_text() == text


def with_a_password(key):
    lock = BestAvailableEncryption(b"password")
    return (
        load_pem_private_key(key.encode(), None)
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        .decode()
    )


def test_a_command_that_is_not_there_is_named():
    command = [sys.executable, "-m", "wechatpay_simulator", "triger", "echo"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (told.returncode, told.stdout) == (2, "")
    assert (
        told.stderr == "wechatpay-simulator: there is no command 'triger'; there are serve, trigger, exam\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is full is a file of Linux")
def test_a_log_on_a_full_disk_is_no_reason_to_fail(credentials_file):
    with start(credentials_file, "--log", "/dev/full") as process:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/_sandbox/orders", timeout=5) as answer:
            assert json.load(answer) == {"orders": []}
        process.terminate()
        assert process.communicate(timeout=10)[1] == ""
        assert process.returncode == 0


def test_a_client_that_goes_in_the_middle_of_a_body_leaves_no_trace(credentials_file, tmp_path):
    log = tmp_path / "log"
    with start(credentials_file, "--log", log) as process:
        address = urllib.parse.urlsplit(process.stdout.readline().strip())
        half = "HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
        for path in ("/_sandbox/pay", "/cgi-bin/mmpayweb-bin/checkmweb"):
            with socket.create_connection((address.hostname, address.port)) as client:
                client.sendall(f"POST {path} {half}".encode())
        with urllib.request.urlopen(f"{address.geturl()}/_sandbox/orders", timeout=5):
            process.terminate()
        assert process.communicate(timeout=10)[1] == ""


def test_a_mode_that_is_not_there_is_refused_in_words(credentials_file):
    assert "invalid choice" in refused(credentials_file, "--mode", "nothing")


def test_a_taken_port_is_refused_in_words(credentials_file):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "in use" in refused(credentials_file, "--port", str(taken.getsockname()[1]))
