"""A CloudFormation that knows one stack, with what else deploying asks of AWS; and an issuer of tokens over https."""

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOTIFY = "https://api.execute-api.us-east-1.amazonaws.com/api/v1/payments/wechat/notify"
OUTPUTS = {
    "ApiUrl": "https://api.execute-api.us-east-1.amazonaws.com",
    "NotifyUrl": NOTIFY,
    "DashboardUrl": "https://console.example.com/dashboard",
    "SigningSecretArn": "arn:signing",
    "VerificationSecretArn": "arn:verification",
    "PaymentsTableName": "wechatpay-dev-PaymentsTable-1",
}
DEFAULTS = {
    "DueShards": "16",
    "StackScope": "",
    "RefundsHeld": "false",
    "ApiDomain": "",
    "ApiDomainCertificateArn": "",
}  # older than LiveDomain
ACCOUNT = "123456789012"
ARN = f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/wechatpay-dev/1"


class Server:
    """Answers on a port of its own with `answer(method, path, headers, body)`: status and text."""

    def __init__(self, answer: Callable[..., tuple[int, str]], tls: ssl.SSLContext | None = None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                status, text = answer(self.path, self.headers, body)
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("location", text)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Cloud:
    """No stack until SAM was called, then one with the parameters that it was given; a test may say otherwise.

    SAM leaves each call in the file `calls`, and may write the stack's state over into `state`.
    """

    def __init__(self, folder: Path) -> None:
        self._calls, self._state = folder / "calls", folder / "state"
        self.status: str | None = None  # None: as SAM's calls make it
        self.protected = False
        self.events: list[tuple[str, str, str, str]] = []  # newest first: resource, type, status, reason
        self.resources: list[tuple[str, str, str, str]] = []  # logical id, type, physical id, status
        self.waiting = 0  # payments that are not final
        self.certificates: dict[str, dict[str, Any]] = {}
        self.undeletable = False
        self.refused: dict[str, str] = {}  # what a service refuses everything with, by a part of its target
        self.asked: list[str] = []  # the actions that change something
        self.heard: list[str] = []  # every action
        self.caller = f"arn:aws:iam::{ACCOUNT}:user/somebody"
        self.unbelieved = ""  # what every signature is refused with
        self._server = Server(self._heard)
        self.url, self.stop = self._server.url, self._server.stop

    def calls(self) -> list[list[str]]:
        """What SAM was called with so far."""
        if not self._calls.exists():
            return []
        return [json.loads(line) for line in self._calls.read_text().splitlines()]

    def _now(self) -> str | None:
        if self._state.exists():
            return self._state.read_text()
        return self.status or ("UPDATE_COMPLETE" if self.calls() else None)

    def _heard(self, _path: str, headers: Any, body: str) -> tuple[int, str]:
        target = headers.get("x-amz-target", "")
        self.heard.append(target or parse_qs(body)["Action"][0])
        if self.unbelieved:
            return (
                403,
                f"<ErrorResponse><Error><Code>{self.unbelieved}</Code><Message>no</Message></Error></ErrorResponse>",
            )
        return self._answer(target, body)

    def _answer(self, target: str, body: str) -> tuple[int, str]:
        for part, code in self.refused.items():
            if part in target:
                return 400, json.dumps({"__type": code, "message": "no"})
        if "secretsmanager" in target:
            return 400, json.dumps({"__type": "ResourceNotFoundException", "message": "no value"})
        if target.startswith("DynamoDB"):
            return 200, json.dumps({"Count": self.waiting, "ScannedCount": self.waiting, "Items": []})
        if target.startswith("CertificateManager"):
            return self._certificate(json.loads(body)["CertificateArn"])
        action = parse_qs(body)["Action"][0]
        if action == "GetCallerIdentity":
            who = f"<Arn>{self.caller}</Arn><UserId>1</UserId><Account>{ACCOUNT}</Account>"
            return 200, f"<{action}Response><{action}Result>{who}</{action}Result></{action}Response>"
        if action in ("DeleteStack", "UpdateTerminationProtection"):
            self.asked.append(action)
            if action == "DeleteStack":
                self._state.write_text("DELETE_FAILED" if self.undeletable else "")
            return 200, f"<{action}Response><{action}Result/></{action}Response>"
        if not self._now():
            missing = (
                "<Code>ValidationError</Code><Message>Stack with id wechatpay-dev does not exist</Message>"
            )
            return 400, f"<ErrorResponse><Error>{missing}</Error></ErrorResponse>"
        inner = {
            "DescribeStacks": self._stack,
            "DescribeStackEvents": self._stack_events,
            "DescribeStackResources": lambda: self._listed("StackResources"),
            "ListStackResources": lambda: self._listed("StackResourceSummaries"),
        }[action]()
        return 200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"

    def _certificate(self, arn: str) -> tuple[int, str]:
        if arn in self.certificates:
            return 200, json.dumps({"Certificate": self.certificates[arn]})
        return 400, json.dumps({"__type": "ResourceNotFoundException", "message": "none"})

    def _stack(self) -> str:
        parameters = dict(DEFAULTS)
        for call in self.calls():
            parameters |= overrides(call)

        def members(what: str, pairs: dict[str, str]) -> str:
            return "".join(
                f"<member><{what}Key>{key}</{what}Key><{what}Value>{escape(value)}</{what}Value></member>"
                for key, value in pairs.items()
            )

        return (
            f"<Stacks><member><StackName>wechatpay-dev</StackName><StackId>{ARN}</StackId>"
            f"<StackStatus>{self._now()}</StackStatus>"
            f"<EnableTerminationProtection>{str(self.protected).lower()}</EnableTerminationProtection>"
            f"<Outputs>{members('Output', OUTPUTS if self.calls() else {})}</Outputs>"
            f"<Parameters>{members('Parameter', parameters)}</Parameters></member></Stacks>"
        )

    def _stack_events(self) -> str:
        return (
            "<StackEvents>"
            + "".join(
                f"<member><StackId>{ARN}</StackId><EventId>{number}</EventId><StackName>wechatpay-dev</StackName>"
                f"<LogicalResourceId>{name}</LogicalResourceId><ResourceType>{kind}</ResourceType>"
                f"<ResourceStatus>{status}</ResourceStatus><ResourceStatusReason>{escape(reason)}</ResourceStatusReason></member>"
                for number, (name, kind, status, reason) in enumerate(self.events)
            )
            + "</StackEvents>"
        )

    def _listed(self, what: str) -> str:
        return (
            f"<{what}>"
            + "".join(
                f"<member><LogicalResourceId>{name}</LogicalResourceId><ResourceType>{kind}</ResourceType>"
                f"<PhysicalResourceId>{physical}</PhysicalResourceId><ResourceStatus>{status}</ResourceStatus></member>"
                for name, kind, physical, status in self.resources
            )
            + f"</{what}>"
        )


def words(call: list[str]) -> list[str]:
    """The parameters of one call of SAM, as they were quoted."""
    return call[call.index("--parameter-overrides") + 1 :]


def overrides(call: list[str]) -> dict[str, str]:
    """The parameters of one call of SAM."""
    pairs = [word.split("=", 1) for word in words(call)]
    assert all(value[0] == value[-1] == '"' for _, value in pairs), pairs
    return {name: value[1:-1].replace('\\"', '"') for name, value in pairs}


class Issuer:
    """An identity provider with a certificate of its own; a test changes `document`, `keys` or `status`."""

    def __init__(self, folder: Path) -> None:
        self.authority = folder / "issuer.pem"
        self._server = Server(self._answer, _certified(self.authority))
        self.url, self.stop = self._server.url, self._server.stop
        self.document: dict[str, Any] = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        self.keys: dict[str, Any] = {"keys": [{"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"}]}
        self.status = 200

    def _answer(self, path: str, _headers: Any, _body: str) -> tuple[int, str]:
        if self.status != 200:
            return self.status, f"{self.url}/elsewhere"
        pages = {"/.well-known/openid-configuration": self.document, "/keys": self.keys}
        return (200, json.dumps(pages[path])) if path in pages else (404, "{}")


def _certified(path: Path) -> ssl.SSLContext:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    path.write_bytes(
        certificate.public_bytes(Encoding.PEM)
        + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
