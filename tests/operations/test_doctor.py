"""`make doctor`: for each way to get it wrong the right sentence, and all green where it is right."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from operations import doctor
from operations.env_file import EnvFileError, parse
from sandbox.simulator import Simulator
from sandbox.simulator.clock import Clock
from sandbox.stack import Sandbox
from tests.kit.serving import Answering, serving

Values = dict[str, str]
NOTIFY = "https://pay.example.com/api/v1/payments/wechat/notify"
LIVE = {
    "WECHAT_NOTIFY_URL": NOTIFY,
    "WECHAT_GATEWAY": "https://api.mch.weixin.qq.com",
    "WECHAT_GATEWAYS_ALLOWED": "https://api.mch.weixin.qq.com,https://api2.mch.weixin.qq.com,https://203.0.113.7",
}


@pytest.fixture
def diagnose(env_file, capsys, monkeypatch):
    """Runs the command on a file with these values. Returns its exit status and what it printed."""

    def run(values: Values, *arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["doctor", "--file", env_file(values), *arguments])
        status = doctor.main()
        printed = capsys.readouterr()
        for name, value in values.items():
            if "KEY" in name and "ID" not in name and value:
                assert value not in printed.out + printed.err
        return status, printed.out + printed.err

    return run


@cache
def other_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def private_pem(key, lock=None) -> str:
    encryption = BestAvailableEncryption(lock) if lock else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def public_pem(key) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def own_public(good: Values) -> str:
    return public_pem(load_pem_private_key(good["WECHAT_PRIVATE_KEY"].encode(), None))


def damaged(good: Values) -> str:
    key: Any = load_pem_private_key(good["WECHAT_PRIVATE_KEY"].encode(), None)
    numbers = key.private_numbers()
    wrong = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d + 2,
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    )
    return private_pem(wrong.private_key(unsafe_skip_rsa_key_validation=True))


def certificate(good: Values, *, key=None, name: str = "", ends: float = 400) -> str:
    """A merchant's certificate over the good one's serial number; `ends` in days from now."""
    key = key or load_pem_private_key(good["WECHAT_PRIVATE_KEY"].encode(), None)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name or good["WECHAT_MCH_ID"])])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int(good["WECHAT_CERT_SERIAL_NO"], 16))
        .not_valid_before(now - dt.timedelta(days=500))
        .not_valid_after(now + dt.timedelta(days=ends))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


BROKEN: list[tuple[str, str, Callable[[Values], str] | str | None, str]] = [
    ("no appid", "WECHAT_APP_ID", None, "WECHAT_APP_ID is missing"),
    ("the sample's appid", "WECHAT_APP_ID", "your_wechat_app_id", "WECHAT_APP_ID is not an appid"),
    (
        "apps without the default",
        "WECHAT_APPS",
        "mini=wx0123456789abcdef",
        "WECHAT_APP_ID must be one of the appids in WECHAT_APPS",
    ),
    (
        "an app without an appid",
        "WECHAT_APPS",
        lambda good: f"shop={good['WECHAT_APP_ID']},mini=gh_1",
        "WECHAT_APPS has no appid for mini",
    ),
    ("a mchid with a letter", "WECHAT_MCH_ID", "190000010A", "WECHAT_MCH_ID is not a merchant number"),
    ("no private key", "WECHAT_PRIVATE_KEY", None, "WECHAT_PRIVATE_KEY is missing"),
    (
        "the certificate as private key",
        "WECHAT_PRIVATE_KEY",
        lambda good: good["WECHAT_CERTIFICATE"],
        "WECHAT_PRIVATE_KEY holds a certificate, not a private key",
    ),
    (
        "a file's name as private key",
        "WECHAT_PRIVATE_KEY",
        "./apiclient_key.pem",
        "WECHAT_PRIVATE_KEY holds the name of a file, not the key",
    ),
    (
        "a locked private key",
        "WECHAT_PRIVATE_KEY",
        lambda _: private_pem(other_key(), b"secret"),
        "WECHAT_PRIVATE_KEY is locked with a passphrase",
    ),
    (
        "half a private key",
        "WECHAT_PRIVATE_KEY",
        lambda good: good["WECHAT_PRIVATE_KEY"][:400],
        "WECHAT_PRIVATE_KEY cannot be read",
    ),
    (
        "a key of another kind",
        "WECHAT_PRIVATE_KEY",
        lambda _: private_pem(ec.generate_private_key(ec.SECP256R1())),
        "WECHAT_PRIVATE_KEY cannot be read: the merchant private key is not an RSA key",
    ),
    (
        "too small a key",
        "WECHAT_PRIVATE_KEY",
        lambda _: private_pem(rsa.generate_private_key(65537, 1024)),
        "WECHAT_PRIVATE_KEY has 1024 bits",
    ),
    ("a damaged key", "WECHAT_PRIVATE_KEY", damaged, "WECHAT_PRIVATE_KEY is damaged"),
    (
        "another certificate's key",
        "WECHAT_PRIVATE_KEY",
        lambda _: private_pem(other_key()),
        "WECHAT_PRIVATE_KEY does not belong to WECHAT_CERTIFICATE",
    ),
    ("no serial number", "WECHAT_CERT_SERIAL_NO", None, "WECHAT_CERT_SERIAL_NO is missing"),
    (
        "half a serial number",
        "WECHAT_CERT_SERIAL_NO",
        lambda good: good["WECHAT_CERT_SERIAL_NO"][:20],
        "WECHAT_CERT_SERIAL_NO is not a certificate's serial number, 40 hex digits",
    ),
    (
        "a public key's id as serial number",
        "WECHAT_CERT_SERIAL_NO",
        lambda good: good["WECHAT_PUBLIC_KEY_ID"],
        "WECHAT_CERT_SERIAL_NO holds the id of WeChat Pay's public key",
    ),
    (
        "another certificate's serial number",
        "WECHAT_CERT_SERIAL_NO",
        "5" * 40,
        "WECHAT_CERT_SERIAL_NO is not the serial number of WECHAT_CERTIFICATE",
    ),
    (
        "a certificate that has ended",
        "WECHAT_CERTIFICATE",
        lambda good: certificate(good, ends=-1),
        "WECHAT_CERTIFICATE ended on",
    ),
    (
        "a certificate that ends soon",
        "WECHAT_CERTIFICATE",
        lambda good: certificate(good, ends=20),
        "warning    WECHAT_CERTIFICATE ends on",
    ),
    (
        "another merchant's certificate",
        "WECHAT_CERTIFICATE",
        lambda good: certificate(good, name="1999999999"),
        "WECHAT_CERTIFICATE was made out to another merchant number",
    ),
    ("no APIv3 key", "WECHAT_API_V3_KEY", None, "WECHAT_API_V3_KEY is missing"),
    ("a short APIv3 key", "WECHAT_API_V3_KEY", "k" * 31, "an APIv3 key has 32 characters, this one 31"),
    (
        "half a public key id",
        "WECHAT_PUBLIC_KEY_ID",
        "0114232134912410",
        "WECHAT_PUBLIC_KEY_ID is not the id of a WeChat Pay public key",
    ),
    (
        "a public key without id",
        "WECHAT_PUBLIC_KEY_ID",
        None,
        "WECHAT_PUBLIC_KEY has no WECHAT_PUBLIC_KEY_ID",
    ),
    ("no public key", "WECHAT_PUBLIC_KEY", None, "WECHAT_PUBLIC_KEY_ID has no WECHAT_PUBLIC_KEY"),
    (
        "a certificate as public key",
        "WECHAT_PUBLIC_KEY",
        lambda good: good["WECHAT_CERTIFICATE"],
        "WECHAT_PUBLIC_KEY holds a certificate",
    ),
    ("one's own public key", "WECHAT_PUBLIC_KEY", own_public, "is the half of your own private key"),
    (
        "platform certificates that are none",
        "WECHAT_PLATFORM_CERTIFICATES",
        "none",
        "WECHAT_PLATFORM_CERTIFICATES, number 1, cannot be read",
    ),
    (
        "a notify URL without https",
        "WECHAT_NOTIFY_URL",
        NOTIFY.replace("https", "http"),
        "WECHAT_NOTIFY_URL is not https",
    ),
    ("a notify URL with a query", "WECHAT_NOTIFY_URL", f"{NOTIFY}?stage=dev", "has a query or a fragment"),
    (
        "a notify URL with a port",
        "WECHAT_NOTIFY_URL",
        NOTIFY.replace(".com", ".com:8443"),
        "WECHAT_NOTIFY_URL names a port",
    ),
    (
        "a notify URL that is elsewhere",
        "WECHAT_NOTIFY_URL",
        "https://pay.example.com/notify",
        "WECHAT_NOTIFY_URL does not end in /api/v1/payments/wechat/notify",
    ),
    (
        "a notify URL at home",
        "WECHAT_NOTIFY_URL",
        NOTIFY.replace("pay.example.com", "192.168.1.5"),
        "leads to 192.168.1.5, which WeChat Pay cannot reach",
    ),
    (
        "the old sandbox",
        "WECHAT_GATEWAY",
        "https://api.mch.weixin.qq.com/sandboxnew",
        "WECHAT_GATEWAY leads to /sandboxnew, WeChat Pay's old sandbox of APIv2: APIv3 has none",
    ),
    (
        "a gateway that nobody allowed",
        "WECHAT_GATEWAY",
        "https://api.mch.weixin.qq.com.example.com",
        "WECHAT_GATEWAY is not on the list of hosts",
    ),
    (
        "a gateway that is a number",
        "WECHAT_GATEWAY",
        "https://203.0.113.7",
        "WECHAT_GATEWAY must be https:// and a host name",
    ),
    (
        "a short quote key",
        "WECHAT_QUOTE_KEY",
        "short",
        "WECHAT_QUOTE_KEY is 5 characters long, not 32 or more",
    ),
    (
        "a public key as quote key",
        "WECHAT_QUOTE_KEY",
        lambda good: good["WECHAT_PUBLIC_KEY"],
        "WECHAT_QUOTE_KEY is a key in PEM",
    ),
    (
        "a short previous quote key",
        "WECHAT_QUOTE_KEY_PREVIOUS",
        "short",
        "WECHAT_QUOTE_KEY_PREVIOUS is 5 characters long, not 32 or more",
    ),
    (
        "a short origin key",
        "CLOUDFRONT_ORIGIN_KEY",
        "short",
        "CLOUDFRONT_ORIGIN_KEY is 5 characters long, not 32 or more",
    ),
    (
        "CloudFront without an origin key",
        "CLIENT_ADDRESS_FROM",
        "cloudfront",
        "CLOUDFRONT_ORIGIN_KEY is missing",
    ),
    ("no quote key", "WECHAT_QUOTE_KEY", None, "WECHAT_QUOTE_KEY is missing"),
    (
        "a name misspelt",
        "WECHAT_APIV3_KEY",
        "x",
        "WECHAT_APIV3_KEY is not a name that anything here reads",
    ),
]


@pytest.mark.parametrize(
    ("name", "value", "sentence"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_each_fault_has_its_sentence_and_its_fix(diagnose, merchant: Values, name, value, sentence) -> None:
    good = merchant | LIVE
    spoilt = value(good) if callable(value) else value
    values = good | {name: spoilt} if spoilt is not None else {k: v for k, v in good.items() if k != name}

    status, printed = diagnose(values, "--offline")

    lines = printed.splitlines()
    place, *_ = [number for number, line in enumerate(lines) if sentence in line]
    assert lines[place].startswith(("fault", "warning"))
    assert lines[place + 1].strip().startswith("-> ")
    assert status == 1
    assert "Traceback" not in printed


def test_nothing_that_verifies_is_a_fault(diagnose, merchant: Values) -> None:
    values = {name: value for name, value in merchant.items() if not name.startswith("WECHAT_PUBLIC")}
    status, printed = diagnose(values, "--offline")
    assert status == 1
    assert "nothing would prove what WeChat Pay says" in printed


def test_a_good_file_is_all_green_by_looks_alone(diagnose, merchant: Values) -> None:
    status, printed = diagnose(merchant | LIVE, "--offline")
    assert (status, printed.splitlines()[-1]) == (0, "doctor: all green, as far as looking goes")


def test_a_good_file_is_all_green_against_wechat_pay(diagnose, merchant: Values) -> None:
    status, printed = diagnose(merchant)
    assert status == 0, printed
    assert printed.splitlines()[-1] == "doctor: all green"
    assert {line.split()[0] for line in printed.splitlines()} == {"doctor:", "ok"}
    for sentence in (
        "WeChat Pay takes our signature",
        "WeChat Pay's answer is signed by a key of the configuration",
        "this clock agrees",
        "WECHAT_NOTIFY_URL answers, and refuses what WeChat Pay has not signed",
    ):
        assert sentence in printed


def test_a_deployed_stack_is_checked_without_a_file(command) -> None:
    done = command("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "doctor: all green"


def test_platform_certificates_alone_will_do(diagnose, merchant: Values, sandbox: Sandbox) -> None:
    old = {name: value for name, value in merchant.items() if not name.startswith("WECHAT_PUBLIC")}
    credentials = sandbox.credentials
    both = [credentials.platform_certificate, credentials.platform_certificate_new]
    simulator = Simulator(credentials, clock=Clock(), mode="two-certs")
    try:
        gateway = simulator.start()
        for text in ("\n".join(both), json.dumps(both).replace('"', '\\"')):
            values = old | {
                "WECHAT_PLATFORM_CERTIFICATES": text,
                "WECHAT_GATEWAY": gateway,
                "WECHAT_GATEWAYS_ALLOWED": gateway,
            }
            status, printed = diagnose(values)
            assert status == 0, printed
    finally:
        simulator.stop()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WECHAT_PRIVATE_KEY", lambda: private_pem(other_key()), "WeChat Pay does not take our signature"),
        ("WECHAT_CERT_SERIAL_NO", lambda: "5" * 40, "WeChat Pay does not take our signature"),
        ("WECHAT_MCH_ID", lambda: "1999999999", "WeChat Pay does not take our signature"),
        ("WECHAT_PUBLIC_KEY", lambda: public_pem(other_key()), "with a signature that the configured key"),
        (
            "WECHAT_PUBLIC_KEY_ID",
            lambda: "PUB_KEY_ID_0000000000000000000000000000",
            "WeChat Pay signs with a key that is not in the configuration",
        ),
    ],
)
def test_what_only_wechat_pay_can_tell(diagnose, merchant: Values, name, value, sentence) -> None:
    merchant.pop("WECHAT_CERTIFICATE")
    status, printed = diagnose(merchant | {name: value()})
    assert status == 1
    assert [line for line in printed.splitlines() if line.startswith("fault") and sentence in line], printed


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (120, "warning    this clock is 1"),
        (400, "fault      WeChat Pay finds our clock more than 300 seconds wrong"),
    ],
)
def test_a_clock_that_is_wrong(diagnose, merchant: Values, sandbox: Sandbox, seconds, sentence) -> None:
    clock = Clock()
    simulator = Simulator(sandbox.credentials, clock=clock)
    try:
        gateway = simulator.start()
        clock.advance(seconds)
        status, printed = diagnose(merchant | {"WECHAT_GATEWAY": gateway, "WECHAT_GATEWAYS_ALLOWED": gateway})
    finally:
        simulator.stop()
    assert status == 1
    assert sentence in printed


@contextmanager
def somebody(status: int, body: bytes = b"{}") -> Iterator[str]:
    """Whoever answers everything alike, and signs nothing."""

    class Handler(Answering):
        def do_POST(self) -> None:
            self.body()
            self.answer(status, body)

        def do_GET(self) -> None:
            self.answer(status, body)

    with serving(Handler) as origin:
        yield origin


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (200, "takes a notification that nobody signed"),
        (302, "redirects (HTTP 302)"),
        (401, "asks for a login (HTTP 401)"),
        (403, "asks for a login (HTTP 403)"),
        (404, "is not there (HTTP 404)"),
        (503, "answers HTTP 503"),
    ],
)
def test_a_notify_url_where_somebody_else_answers(diagnose, merchant: Values, status, sentence) -> None:
    with somebody(status) as origin:
        exit_status, printed = diagnose(
            merchant | {"WECHAT_NOTIFY_URL": f"{origin}/api/v1/payments/wechat/notify"}
        )
    assert exit_status == 1
    assert f"fault      WECHAT_NOTIFY_URL {sentence}" in printed


def test_a_gateway_where_somebody_else_answers(diagnose, merchant: Values) -> None:
    with somebody(200) as origin:
        status, printed = diagnose(merchant | {"WECHAT_GATEWAY": origin, "WECHAT_GATEWAYS_ALLOWED": origin})
    assert status == 1
    assert "whoever answers at the gateway is not WeChat Pay" in printed


def test_a_gateway_that_is_out_of_reach_leaves_the_question_open(diagnose, merchant: Values) -> None:
    nobody = "http://127.0.0.1:9"
    status, printed = diagnose(merchant | {"WECHAT_GATEWAY": nobody, "WECHAT_GATEWAYS_ALLOWED": nobody})
    assert status == 2
    assert "unchecked  the gateway cannot be reached from here" in printed
    assert "not everything could be checked" in printed


def test_a_file_that_is_not_there_could_not_be_checked(capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("sys.argv", ["doctor", "--file", str(tmp_path / "no.env")])
    assert doctor.main() == 2
    assert "no.env cannot be read: No such file or directory" in capsys.readouterr().err


def test_an_env_file_may_be_written_as_shells_and_loaders_take_it() -> None:
    text = '# a comment\n\nexport A=one # more\nB=\'two # two\'\nC="three\\nlines\nhere"\r\nD=\n  E = "x\\"y" # z\nF=a#b'
    assert parse(text) == {
        "A": "one",
        "B": "two # two",
        "C": "three\nlines\nhere",
        "D": "",
        "E": 'x"y',
        "F": "a#b",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("A=1\nnonsense\n", "line 2 is neither NAME=value nor a comment"),
        ("A=1\nA=2\n", "line 2 sets A a second time"),
        ("\nA='secret\n", "line 2: A opens a quote that nothing closes"),
        ("A='x'secret\n", "line 1: A goes on after its closing quote"),
    ],
)
def test_an_env_file_that_is_none_names_the_line_and_not_the_value(text: str, sentence: str) -> None:
    with pytest.raises(EnvFileError) as refused:
        parse(text)
    assert str(refused.value) == sentence
