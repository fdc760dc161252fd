"""Each form in which people keep a secret: functions, `make doctor` and `make secret` take it alike, or refuse it alike."""

import base64
import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from operations import doctor, secret
from operations.configuration import DEFAULTS, PARAMETERS
from payments.core.errors import ConfigurationError
from payments.wiring import Wiring
from sandbox.commands.sam_local import keys
from sandbox.stack import Sandbox
from tests.kit.aws_line import begin_anew
from wechatpay_simulator import Credentials

pytestmark = pytest.mark.in_turn

Members = dict[str, Any]
SIGNING, VERIFICATION = "SigningSecretArn", "VerificationSecretArn"


class Merchant:
    """One stack's secrets, and the three that read them."""

    def __init__(self, sandbox: Sandbox, capsys: Any, monkeypatch: pytest.MonkeyPatch, folder: Any) -> None:
        self.known: Credentials = sandbox.credentials
        self._deployed, self._capsys, self._monkeypatch = sandbox.deployed, capsys, monkeypatch
        self._file = folder / ".env"
        self._environment = dict(sandbox.deployed.functions["H5Function"].environment)
        for name, value in {"AWS_ENDPOINT_URL": sandbox.aws.url, **keys(sandbox)}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        self.client = sandbox.aws.client("secretsmanager")
        self.signing: Members = {
            "WECHAT_PRIVATE_KEY": self.known.merchant_private_key,
            "WECHAT_CERT_SERIAL_NO": self.known.merchant_serial_no,
            "WECHAT_CERTIFICATE": self.known.merchant_certificate,
        }
        self.verification: Members = {
            "WECHAT_API_V3_KEY": self.known.api_v3_key,
            "WECHAT_PUBLIC_KEY_ID": self.known.wechat_public_key_id,
            "WECHAT_PUBLIC_KEY": self.known.wechat_public_key,
            "WECHAT_QUOTE_KEY": sandbox.tokens.quote_key,
        }

    def put(self, output: str, content: Members | str | bytes) -> None:
        """Write one secret as it is."""
        if isinstance(content, dict):
            content = json.dumps(content)
        kind = "SecretBinary" if isinstance(content, bytes) else "SecretString"
        self.client.put_secret_value(SecretId=self._deployed.outputs[output], **{kind: content})

    def held(self, output: str) -> Any:
        """What one secret holds, as text."""
        return self.client.get_secret_value(SecretId=self._deployed.outputs[output])["SecretString"]

    def wiring(self) -> Wiring:
        """A function that starts."""
        begin_anew()  # it has no line yet; this process may have one to an earlier test's AWS
        return Wiring(self._environment)

    def doctor(self) -> tuple[int, str]:
        """`make doctor` on the stack, by looks: its exit status and what it printed."""
        return self._run(doctor.main, "--offline")

    def secret(self, values: dict[str, str]) -> tuple[int, str]:
        """`make secret` from a file with these values."""
        lines = [f"{name}={json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
        self._file.write_text("".join(lines), newline="")
        return self._run(secret.main, "--file", str(self._file), "--offline", "--yes")

    def _run(self, command: Callable[[], int], *arguments: str) -> tuple[int, str]:
        given = [f"--output={name}={value}" for name, value in self._deployed.outputs.items()]
        given += [
            f"--parameter={parameter}={self._environment.get(name, DEFAULTS.get(name, ''))}"
            for name, parameter in PARAMETERS.items()
        ]
        self._monkeypatch.setattr("sys.argv", ["command", *given, *arguments])
        status = command()
        printed = self._capsys.readouterr()
        return status, printed.out + printed.err


@pytest.fixture
def shop(sandbox: Sandbox, capsys: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    made = Merchant(sandbox, capsys, monkeypatch, tmp_path)
    before = {output: made.held(output) for output in (SIGNING, VERIFICATION)}
    yield made
    for output, text in before.items():
        made.put(output, text)


def one_line(pem: str) -> str:
    return pem.strip().replace("\n", " ")


def glued(pem: str) -> str:
    return pem.replace("\n", "")


def crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def escaped(text: str) -> str:
    return text.replace("\n", "\\n")


def escaped_crlf(text: str) -> str:
    return text.replace("\n", "\\r\\n")


def in_base64(text: str) -> str:
    return base64.encodebytes(text.encode()).decode()


def der(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))


def paired(serial: str) -> str:
    return ":".join(serial[place : place + 2] for place in range(0, len(serial), 2)).lower()


PEM_FORMS = {
    "with CRLF": crlf,
    "on one line, with blanks": one_line,
    "on one line, glued": glued,
    "with escaped line ends": escaped,
    "with escaped CRLF": escaped_crlf,
    "escaped twice": lambda pem: escaped(pem).replace("\\", "\\\\"),
    "with slashes escaped": lambda pem: escaped(pem).replace("/", "\\/"),
    "in base64": in_base64,
    "in base64, with CRLF": lambda pem: in_base64(crlf(pem)),
    "as DER in base64": der,
    "as DER in base64, wrapped": lambda pem: "\r\n".join(pem.splitlines()[1:-1]) + "\r\n",
    "below what openssl says of it": lambda pem: f"Bag Attributes\n    friendlyName: x\n{pem}\n",
    "between other lines of its file": lambda pem: f"\n\n  {pem}\r\n\n",
}
SERIAL_FORMS: dict[str, Callable[[str], str]] = {
    "and a line end": lambda serial: f"{serial}\n",
    "and CRLF": lambda serial: f"{serial}\r\n",
    "between blanks": lambda serial: f"  {serial}\t",
    "in small letters": str.lower,
    "as openssl says it": lambda serial: f"serial={serial}\n",
    "as openssl says it at length": lambda serial: f"Serial Number:\n            {paired(serial)}\n",
    "with colons": paired,
    "with blanks": lambda serial: paired(serial).replace(":", " "),
    "as Windows shows it": lambda serial: "\u200e" + paired(serial).replace(":", ""),
    "with 0x": lambda serial: f"0x{serial.lower()}",
}
ID_FORMS: dict[str, Callable[[str], str]] = {
    "and a line end": lambda text: f"{text}\n",
    "and CRLF": lambda text: f"{text}\r\n",
    "between blanks": lambda text: f"\u00a0 {text} \t",
    "behind a byte order mark": lambda text: f"\ufeff{text}",
}
PEMS = ("WECHAT_PRIVATE_KEY", "WECHAT_CERTIFICATE", "WECHAT_PUBLIC_KEY")
MEMBER_FORMS = [
    *((PEMS, name, form) for name, form in PEM_FORMS.items()),
    *((("WECHAT_CERT_SERIAL_NO",), name, form) for name, form in SERIAL_FORMS.items()),
    *((("WECHAT_PUBLIC_KEY_ID", "WECHAT_API_V3_KEY"), name, form) for name, form in ID_FORMS.items()),
]


def assert_the_functions_read(shop: Merchant) -> None:
    wiring = shop.wiring()
    signer = wiring.secrets.signing.value()
    assert signer.serial_no == shop.known.merchant_serial_no
    held = wiring.secrets.merchant_certificate.value()
    assert held is not None
    assert held[1] == shop.known.merchant_serial_no
    verification = wiring.secrets.verification.value()
    assert verification.ring.preferred == shop.known.wechat_public_key_id
    assert verification.apiv3_keys == [shop.known.api_v3_key.encode()]


@pytest.mark.share(12)
@pytest.mark.parametrize(
    ("names", "form"),
    [(names, form) for names, _, form in MEMBER_FORMS],
    ids=[f"{names[0]} {name}" for names, name, _ in MEMBER_FORMS],
)
def test_a_form_whose_meaning_is_certain_is_taken_by_all(
    shop: Merchant, names: tuple[str, ...], form: Callable[[str], str]
) -> None:
    good = {SIGNING: shop.signing, VERIFICATION: shop.verification}
    given = {name: form(members[name]) for members in good.values() for name in members if name in names}

    def put(values: Members) -> None:
        for output, members in good.items():
            shop.put(output, members | {name: value for name, value in values.items() if name in members})

    put(given)
    assert_the_functions_read(shop)
    status, printed = shop.doctor()
    assert (status, printed.splitlines()[-1]) == (0, "doctor: all green, as far as looking goes"), printed

    put(dict.fromkeys(given, "something else"))
    status, printed = shop.secret(given)
    assert status == 0, printed
    assert_the_functions_read(shop)
    assert shop.secret(given)[1].splitlines()[-1] == "secret: there is nothing to write"


CERTIFICATES = "WECHAT_PLATFORM_CERTIFICATES"
LISTS: dict[str, Callable[[list[str]], Any]] = {
    "a list": list,
    "a list with CRLF": lambda pems: [crlf(pem) for pem in pems],
    "a list with escaped CRLF": lambda pems: [escaped_crlf(pem) for pem in pems],
    "a list of base64": lambda pems: [in_base64(pem) for pem in pems],
    "a list with both in one text": lambda pems: ["".join(pems)],
    "a list as text": json.dumps,
    "a list as text, with real line ends": lambda pems: json.dumps(pems).replace("\\n", "\r\n"),
    "a list as text, escaped twice": lambda pems: json.dumps(pems).replace("\\n", "\\\\n"),
    "a list as text, of DER": lambda pems: json.dumps([der(pem) for pem in pems], indent=2),
    "a list as Python writes it": str,
    "one after the other": "".join,
    "one after the other, with CRLF": lambda pems: crlf("\n".join(pems)),
    "one after the other, on one line": lambda pems: one_line("".join(pems)),
    "one after the other, glued": lambda pems: glued("".join(pems)),
    "one after the other, in base64": lambda pems: in_base64("".join(pems)),
}


@pytest.mark.parametrize("form", LISTS.values(), ids=LISTS.keys())
def test_platform_certificates_are_a_list_or_any_text_that_holds_them(
    shop: Merchant, form: Callable[[list[str]], Any]
) -> None:
    known = shop.known
    given = form([known.platform_certificate, known.platform_certificate_new])
    shop.put(SIGNING, shop.signing)
    shop.put(VERIFICATION, shop.verification | {CERTIFICATES: given})

    def assert_read() -> None:
        read = shop.wiring().secrets.verification.value()
        assert len(read.platform_certificates) == 2
        for serial in (known.platform_serial_no, known.platform_serial_no_new):
            assert read.ring.find(serial) is not None

    assert_read()
    status, printed = shop.doctor()
    assert status == 0, printed
    for number in (1, 2):
        assert f"{CERTIFICATES}, number {number}, is valid until" in printed
    if isinstance(given, str):
        shop.put(VERIFICATION, shop.verification)
        status, printed = shop.secret({CERTIFICATES: given})
        assert status == 0, printed
        assert_read()


@pytest.mark.parametrize("nothing", [None, "", [], "[]", " \n"], ids=repr)
def test_what_is_empty_is_absent(shop: Merchant, nothing: object) -> None:
    optional = dict.fromkeys(("WECHAT_API_V3_KEY_PREVIOUS", "WECHAT_QUOTE_KEY_PREVIOUS"), None)
    if not isinstance(nothing, list) and nothing != "[]":
        optional = dict.fromkeys(optional, nothing)
    shop.put(SIGNING, shop.signing)
    shop.put(VERIFICATION, shop.verification | {CERTIFICATES: nothing, **optional})
    assert_the_functions_read(shop)
    assert shop.wiring().secrets.verification.value().platform_certificates == ()
    status, printed = shop.doctor()
    assert status == 0, printed


WHOLE: dict[str, Callable[[Members], str | bytes]] = {
    "as binary": lambda members: json.dumps(members).encode(),
    "as binary, behind a byte order mark": lambda members: b"\xef\xbb\xbf" + json.dumps(members).encode(),
    "as binary, as PowerShell writes a file": lambda members: json.dumps(members).encode("utf-16"),
    "behind a byte order mark": lambda members: "\ufeff" + json.dumps(members),
    "with real line ends in its texts": lambda members: json.dumps(members).replace("\\n", "\n"),
    "with CRLF in its texts": lambda members: json.dumps(members, indent=2).replace("\\n", "\r\n"),
    "with blanks around the names": lambda members: json.dumps({f" {k}\n": v for k, v in members.items()}),
}


@pytest.mark.parametrize("form", WHOLE.values(), ids=WHOLE.keys())
def test_a_secret_is_taken_by_all_however_it_was_stored(
    shop: Merchant, form: Callable[[Members], str | bytes]
) -> None:
    shop.put(SIGNING, form(shop.signing))
    shop.put(VERIFICATION, form(shop.verification))
    assert_the_functions_read(shop)
    status, printed = shop.doctor()
    assert status == 0, printed
    status, printed = shop.secret({"WECHAT_API_KEY": "unused"})
    assert status == 0, printed
    assert json.loads(shop.held(SIGNING))["WECHAT_CERT_SERIAL_NO"] == shop.known.merchant_serial_no
    assert_the_functions_read(shop)


SECRET = "Zq9" * 11  # what no message, log line or traceback may hold
REFUSED: list[tuple[str, str, object]] = [
    (SIGNING, "WECHAT_CERT_SERIAL_NO", None),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", " \n"),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", "null"),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", SECRET),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", f"PUB_KEY_ID_{SECRET}"),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", "A" * 41),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", "A" * 39 + '"'),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", 10**39),
    (SIGNING, "WECHAT_CERT_SERIAL_NO", ["A" * 40]),
    (SIGNING, "WECHAT_PRIVATE_KEY", None),
    (SIGNING, "WECHAT_PRIVATE_KEY", SECRET),
    (SIGNING, "WECHAT_PRIVATE_KEY", f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n"),
    (SIGNING, "WECHAT_PRIVATE_KEY", f"-----BEGIN PRIVATE KEY-----\n{SECRET}"),
    (SIGNING, "WECHAT_PRIVATE_KEY", [SECRET]),
    (SIGNING, "WECHAT_PRIVATE_KEY", f"{SECRET}\ud800"),
    (VERIFICATION, "WECHAT_PUBLIC_KEY_ID", None),
    (VERIFICATION, "WECHAT_PUBLIC_KEY_ID", f"PUB_KEY_ID_{SECRET}\n{SECRET}"),
    (VERIFICATION, "WECHAT_PUBLIC_KEY_ID", f"PUB_KEY_ID_ {SECRET}"),
    (VERIFICATION, "WECHAT_PUBLIC_KEY_ID", "0114232134912410000000000000"),
    (VERIFICATION, "WECHAT_PUBLIC_KEY_ID", 114232134912410000000000000),
    (VERIFICATION, "WECHAT_PUBLIC_KEY", None),
    (VERIFICATION, "WECHAT_PUBLIC_KEY", SECRET),
    (VERIFICATION, "WECHAT_PUBLIC_KEY", {"pem": SECRET}),
    (VERIFICATION, "WECHAT_API_V3_KEY", None),
    (VERIFICATION, "WECHAT_API_V3_KEY", SECRET),
    (VERIFICATION, "WECHAT_API_V3_KEY", f"{SECRET[:15]} {SECRET[:16]}"),
    (VERIFICATION, "WECHAT_API_V3_KEY", f"{SECRET[:30]}é"),
    (VERIFICATION, "WECHAT_API_V3_KEY", f"{SECRET[:31]}\ud800"),
    (VERIFICATION, "WECHAT_API_V3_KEY", int("1" * 32)),
    (VERIFICATION, "WECHAT_API_V3_KEY_PREVIOUS", SECRET),
    (VERIFICATION, "WECHAT_API_V3_KEY_PREVIOUS", False),
    (VERIFICATION, "WECHAT_QUOTE_KEY", f"{SECRET}\ud800"),
    (VERIFICATION, "WECHAT_QUOTE_KEY", int("1" * 32)),
    (VERIFICATION, CERTIFICATES, SECRET),
    (VERIFICATION, CERTIFICATES, [SECRET]),
    (VERIFICATION, CERTIFICATES, f"[{SECRET}"),
    (VERIFICATION, CERTIFICATES, [1]),
    (VERIFICATION, CERTIFICATES, {"pem": SECRET}),
    (VERIFICATION, CERTIFICATES, "[" * 50_000),
    (VERIFICATION, CERTIFICATES, f"-----BEGIN CERTIFICATE-----{SECRET}-----END CERTIFICATE-----"),
]


@pytest.mark.share(12)
@pytest.mark.parametrize(
    ("output", "member", "given"), REFUSED, ids=[f"{case[1]} {case[2]!r:.30}" for case in REFUSED]
)
def test_what_cannot_be_used_is_refused_by_all_by_its_name_and_never_shown(
    shop: Merchant, caplog: pytest.LogCaptureFixture, output: str, member: str, given: object
) -> None:
    good = {SIGNING: shop.signing, VERIFICATION: shop.verification}
    shop.put(SIGNING, shop.signing)
    shop.put(VERIFICATION, shop.verification)
    running, now = shop.wiring(), [1_000_000.0]
    running.now = lambda: now[0]  # type: ignore[method-assign]
    in_use = running.secrets.signing.value(), running.secrets.verification.value()

    shop.put(output, good[output] | {member: given})

    starting = shop.wiring()
    with pytest.raises(ConfigurationError, match=member) as told:
        (starting.secrets.signing if output == SIGNING else starting.secrets.verification).value()
    now[0] += 301
    with caplog.at_level(logging.ERROR):
        assert (running.secrets.signing.value(), running.secrets.verification.value()) == in_use
    status, printed = shop.doctor()
    assert status == 1, printed
    assert [line for line in printed.splitlines() if line.startswith("fault") and member in line], printed
    if isinstance(given, str) and given.strip() and given.isprintable():
        shop.put(output, good[output])
        status, refused = shop.secret({member: given})
        assert (status, shop.held(output)) == (1, json.dumps(good[output])), refused
        printed += refused
    for shown in (
        printed,
        caplog.text,
        "".join(traceback.format_exception(told.value)),
        "".join(map(repr, chain(told.value))),
    ):
        assert SECRET[:15] not in shown
        assert shop.known.api_v3_key not in shown


def chain(problem: BaseException | None) -> list[BaseException]:
    found = []
    while problem is not None:
        found.append(problem)
        problem = problem.__cause__
    return found


@pytest.mark.parametrize(
    "content",
    [f"{SECRET}", f'["{SECRET}"]', f'"{SECRET}"', "[" * 60_000, b"\xff\xfe\xfa", f'{{"a": "{SECRET}'],
    ids=repr,
)
def test_what_is_no_json_object_is_refused_by_all_and_the_old_one_stays_in_use(
    shop: Merchant, caplog: pytest.LogCaptureFixture, content: str | bytes
) -> None:
    shop.put(SIGNING, shop.signing)
    running, now = shop.wiring(), [1_000_000.0]
    running.now = lambda: now[0]  # type: ignore[method-assign]
    in_use = running.secrets.signing.value()
    shop.put(SIGNING, content)
    with pytest.raises(ConfigurationError, match=r"is not JSON|is not a JSON object") as told:
        shop.wiring().secrets.signing.value()
    now[0] += 301
    with caplog.at_level(logging.ERROR):
        assert running.secrets.signing.value() is in_use
    assert "a secret was changed to something unusable" in caplog.text
    status, printed = shop.doctor()
    assert status == 2
    assert "SigningSecretArn" in printed
    for shown in (printed, caplog.text, "".join(traceback.format_exception(told.value))):
        assert SECRET[:15] not in shown
