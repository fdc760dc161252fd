"""`make doctor`: for each way to get it wrong the right sentence, and all green where it is right."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from sandbox.stack import Sandbox
from tests.kit.keys import stranger
from tests.kit.serving import Answering, serving
from wechatpay_simulator import Simulator
from wechatpay_simulator.clock import Clock

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
        lambda _: private_pem(stranger(), b"secret"),
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
        lambda _: private_pem(stranger()),
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
        "WECHAT_APIV3_KEY is not read by anything here: did you mean WECHAT_API_V3_KEY?",
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
    assert {line.split()[0] for line in printed.splitlines()} == {"doctor:", "ok", "unproven", "->"}
    for sentence in (
        "WeChat Pay takes our signature",
        "WeChat Pay's answer is signed by a key of the configuration",
        "this clock agrees",
        "WECHAT_NOTIFY_URL answers, and refuses what WeChat Pay has not signed",
    ):
        assert sentence in printed


def test_what_only_use_can_prove_is_listed_with_what_proves_it(diagnose, merchant: Values, command) -> None:
    _, printed = diagnose(merchant)
    lines = printed.splitlines()
    left = [line for line in lines if line.startswith("unproven")]
    assert [" ".join(line.split()[1:4]) for line in left] == [
        "WECHAT_API_V3_KEY has the",  # this merchant has no platform certificates
        "that a notification",
        "that WECHAT_APP_ID is",
        "that the product's",
        "that callers' tokens",
    ]
    assert all(lines[lines.index(line) + 1].strip().startswith("-> ") for line in left)
    assert lines[-1] == "doctor: all green"  # nothing speaks against them

    of_stack = command("doctor").stdout
    assert "that a notification of WeChat Pay's arrives" not in of_stack  # an echo has
    assert "unproven   WECHAT_API_V3_KEY" not in of_stack  # and it was opened
    assert "unproven   that WECHAT_APP_ID is bound to WECHAT_MCH_ID" in of_stack

    _, offline = diagnose(merchant | LIVE, "--offline")
    assert "unproven   nobody was asked whether any of it is right" in offline


OLD_KEY = "abcdefghijklmnopqrstuvwxyz012345"


@pytest.mark.parametrize(
    ("mode", "keys", "sentence"),
    [
        ("two-certs", {}, "ok         WECHAT_API_V3_KEY opens what WeChat Pay encrypts"),
        (
            "two-certs",
            {"WECHAT_API_V3_KEY": OLD_KEY},
            "fault      WECHAT_API_V3_KEY does not open what WeChat Pay encrypts: it is not the one that is set there",
        ),
        (
            "two-certs",
            {"WECHAT_API_V3_KEY": OLD_KEY, "WECHAT_API_V3_KEY_PREVIOUS": "good"},
            "warning    WECHAT_API_V3_KEY_PREVIOUS opens what WeChat Pay encrypts, and WECHAT_API_V3_KEY does not",
        ),
        (
            "two-certs",
            {"WECHAT_API_V3_KEY_PREVIOUS": OLD_KEY},
            "ok         WECHAT_API_V3_KEY opens what WeChat Pay encrypts",
        ),
        ("pubkey", {}, "unproven   WECHAT_API_V3_KEY has the right form"),
        ("pubkey", {"WECHAT_API_V3_KEY": OLD_KEY}, "unproven   WECHAT_API_V3_KEY has the right form"),
    ],
)
def test_the_apiv3_key_is_proven_where_wechat_pay_encrypts_with_it(
    diagnose, merchant: Values, sandbox: Sandbox, mode, keys, sentence
) -> None:
    credentials = sandbox.credentials
    simulator = Simulator(credentials, clock=Clock(), mode=mode)
    given = {name: credentials.api_v3_key if value == "good" else value for name, value in keys.items()}
    certificates = [credentials.platform_certificate, credentials.platform_certificate_new]
    if mode != "pubkey":
        merchant = {name: value for name, value in merchant.items() if "_PUBLIC_KEY" not in name}
        given["WECHAT_PLATFORM_CERTIFICATES"] = "\n".join(certificates)
    try:
        gateway = simulator.start()
        here = {"WECHAT_GATEWAY": gateway, "WECHAT_GATEWAYS_ALLOWED": gateway}
        status, printed = diagnose(merchant | given | here)
    finally:
        simulator.stop()
    lines = [line for line in printed.splitlines() if line.startswith(sentence)]
    assert len(lines) == 1, printed
    assert status == (0 if sentence.startswith(("ok", "unproven")) else 1)


@pytest.mark.parametrize("name", ["JWT_ISSUER", "JWT_AUDIENCE"])
def test_who_issues_the_tokens_is_missed(diagnose, merchant: Values, name: str) -> None:
    values = {each: value for each, value in (merchant | LIVE).items() if each != name}
    status, printed = diagnose(values, "--offline")
    assert status == 1
    assert f"warning    {name} is missing, and a first deployment needs it" in printed


def test_an_issuer_is_asked_for_its_keys(diagnose, merchant: Values) -> None:
    status, printed = diagnose(merchant | {"JWT_ISSUER": "https://127.0.0.1:9"})
    assert status == 1
    assert "fault      JWT_ISSUER's discovery document cannot be read at https://127.0.0.1:9/" in printed


@pytest.mark.parametrize(
    ("name", "meant", "level"),
    [
        ("MCHID", "WECHAT_MCH_ID", "fault"),
        ("merchant_id", "WECHAT_MCH_ID", "fault"),
        ("APPID", "WECHAT_APP_ID", "fault"),
        ("APIV3_KEY", "WECHAT_API_V3_KEY", "fault"),
        ("MCH_PRIVATE_KEY", "WECHAT_PRIVATE_KEY", "fault"),
        ("MCH_SERIAL_NO", "WECHAT_CERT_SERIAL_NO", "fault"),
        ("WXPAY_PUBLIC_KEY_ID", "WECHAT_PUBLIC_KEY_ID", "fault"),
        ("OIDC_ISSUER", "JWT_ISSUER", "fault"),
        ("WECHAT_QUOTE_KEY_PREV", "WECHAT_QUOTE_KEY_PREVIOUS", "fault"),
        ("API_KEY", "WECHAT_API_KEY", "note"),  # as many programs have one
    ],
)
def test_a_name_that_nothing_reads_says_which_was_meant(
    diagnose, merchant: Values, name, meant, level
) -> None:
    values = merchant | LIVE
    values[name] = values.pop(meant, "secret-of-another-name")
    _, printed = diagnose(values, "--offline")
    assert f"{level:9}  {name} is not read by anything here: did you mean {meant}?" in printed
    assert values[name] not in printed


def test_a_name_beside_the_one_that_was_meant_is_no_fault(diagnose, merchant: Values) -> None:
    status, printed = diagnose(merchant | LIVE | {"MCHID": "1900000109"}, "--offline")
    assert status == 0, printed
    assert "note       MCHID is not read by anything here: did you mean WECHAT_MCH_ID?" in printed


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AWS_DEFAULT_REGION": ""}, "there is no region: export AWS_DEFAULT_REGION=…"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "there are no AWS credentials: log in"),
        ({"AWS_PROFILE": "shop"}, "there is no AWS profile shop"),
        ({}, "Stack with id wechatpay-dev does not exist in this account and region: deploy it first"),
    ],
)
def test_a_stack_that_cannot_be_asked_says_what_to_mend(operate, environment, sentence) -> None:
    done = operate("doctor", shell={name: value or None for name, value in environment.items()})
    assert done.returncode == 2
    assert sentence in done.stderr


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
        ("WECHAT_PRIVATE_KEY", lambda: private_pem(stranger()), "WeChat Pay does not take our signature"),
        ("WECHAT_CERT_SERIAL_NO", lambda: "5" * 40, "WeChat Pay does not take our signature"),
        ("WECHAT_MCH_ID", lambda: "1999999999", "WeChat Pay does not take our signature"),
        ("WECHAT_PUBLIC_KEY", lambda: public_pem(stranger()), "with a signature that the configured key"),
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
