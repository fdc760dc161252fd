"""The command around the rows: what it starts and ends, what it says when something is missing, and how it leaves a simulator."""

import http.server
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.exam.backend import running
from tests.exam.conftest import commands
from tests.kit.keys import merchant_file
from tests.kit.program import Program
from tests.kit.serving import Answering, serving
from wechatpay_simulator.examining import exam as command
from wechatpay_simulator.examining.commands import Commands
from wechatpay_simulator.examining.row import CommandError
from wechatpay_simulator.examining.wechat_pay import WeChatPay

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).parents[2]
PROGRAM = f'"{sys.executable}" -m tests.exam.program'
QUICK = ("--only", "forged", "paid")


@pytest.fixture
def backend(merchant):
    with running(merchant) as backend:
        yield backend


@pytest.fixture
def origin():
    """Where nobody listens yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


# ---- the examinee as a program, and a simulator of the exam's own ----


def test_it_starts_the_backend_tells_it_where_everything_is_and_ends_it_with_its_children(
    tmp_path, monkeypatch, capsys, origin, eventually
):
    written, new = tmp_path / "pid", tmp_path / "credentials.json"
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PID_FILE", str(written))
    words = [
        *commands(origin),
        "--credentials",
        str(new),
        "--patience",
        "2",
        "--only",
        "paid",
        "late_payment",
    ]
    assert command.exam([*words, "--run", f"{PROGRAM} & wait"]) == 0, capsys.readouterr()
    assert capsys.readouterr().out.splitlines()[-1] == "2 rows: 2 ✓, 0 ✗, 0 –"
    assert new.exists()
    eventually(lambda: not is_running(int(written.read_text())))


def test_credentials_of_its_own_are_gone_afterwards(monkeypatch, capsys, origin, tmp_path):
    monkeypatch.chdir(ROOT)
    written = tmp_path / "where"
    run = f'echo "$WECHATPAY_CREDENTIALS" > {written}; exec {PROGRAM} acknowledges_unknown_orders'
    assert command.exam(["--notify", f"{origin}/notify", "--only", "unknown_order", "--run", run]) == 1
    assert capsys.readouterr().out.startswith("✗ unknown_order ")
    assert written.read_text().endswith("credentials.json\n")
    assert not Path(written.read_text().strip()).exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("echo starting; echo 'no such table: orders' >&2; exit 3", "no such table: orders"),
        ("there-is-no-such-program", "there-is-no-such-program"),
    ],
)
def test_a_backend_that_does_not_come_up_is_shown_with_its_last_lines(exam, origin, command, said):
    examined = exam("--notify", f"{origin}/notify", "--run", command)
    assert examined.status == 2
    assert (
        f"--run did not come to listen at {origin}/notify; --run has ended with exit status"
        in examined.complaint
    )
    assert said in examined.complaint.splitlines()[-1]
    assert examined.lines == ["18 rows: 0 ✓, 0 ✗, 0 –, 18 not examined"]


def test_a_backend_that_dies_ends_the_exam(exam, origin, merchant, tmp_path):
    dies = "import http.server, os; s = http.server.HTTPServer(('127.0.0.1', int(os.environ['NOTIFY_URL'].split(':')[2].split('/')[0])), None)"
    script = tmp_path / "dies.py"
    script.write_text(
        f"{dies}\nfor _ in range(2):\n    s.get_request()[0].close()\nprint('out of memory', flush=True)\n"
    )
    report = tmp_path / "report.xml"
    words = (
        "--notify",
        f"{origin}/notify",
        "--run",
        f'"{sys.executable}" "{script}"',
        "--junit",
        str(report),
    )
    examined = exam(*words)
    assert examined.status == 2
    assert f"nobody listens at {origin}/notify any more" in examined.complaint
    assert "| out of memory" in examined.complaint
    assert 'errors="17"' in report.read_text() or 'errors="18"' in report.read_text()


def test_nobody_there_or_somebody_already_is_said_before_anything_is_tried(exam, origin, backend):
    nobody = exam("--notify", f"{origin}/notify")
    assert (nobody.status, len(nobody.lines)) == (2, 1)
    assert "nobody listens at" in nobody.complaint
    already = exam("--notify", f"{backend.origin}/notify", "--run", "echo")
    assert already.status == 2
    assert "somebody listens at" in already.complaint


def test_when_it_is_interrupted_it_reports_what_it_has_found(origin, tmp_path):
    """As CI servers end what takes too long."""
    junit, markdown = tmp_path / "report.xml", tmp_path / "report.md"
    words = [
        *(sys.executable, "-m", "wechatpay_simulator", "exam", *commands(origin)),
        *("--run", f"{PROGRAM} never_asks", "--only", "paid", "lost_notification", "--patience", "600"),
        *("--junit", str(junit), "--markdown", str(markdown)),
    ]
    with Program(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("✓ paid ")
        process.send_signal(signal.SIGTERM)
        out, complaint = process.communicate(timeout=30)
    assert process.returncode == 2
    assert out == "2 rows: 1 ✓, 0 ✗, 0 –, 1 not examined\n"
    assert complaint == "exam: it was interrupted\n"
    assert '<error message="not examined: it was interrupted"' in junit.read_text()
    assert markdown.read_text().endswith("Broken off: it was interrupted.\n")
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.1", int(origin.split(":")[2]))),
    ):
        pass


def test_a_backend_that_does_not_listen_to_sigterm_is_ended_at_the_second_interruption(
    origin, tmp_path, eventually
):
    """A closed terminal sends SIGHUP; nothing outlives it, for the next exam needs the port."""
    written = tmp_path / "pid"
    words = [
        *(sys.executable, "-m", "wechatpay_simulator", "exam", *commands(origin), "--patience", "600"),
        *("--run", f"trap '' TERM; {PROGRAM} never_asks; true", "--only", "other_kinds", "lost_notification"),
    ]
    environment = {**os.environ, "PID_FILE": str(written)}
    with Program(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("✓ other_kinds ")
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):  # it is patient with the backend
            process.wait(1)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "exam: it was interrupted\n"
    assert process.returncode == 2
    eventually(lambda: not is_running(int(written.read_text())))


def test_a_backend_that_is_still_starting_is_waited_for(exam, origin, tmp_path):
    """Otherwise its 503 would be taken for the refusal of a forgery."""
    script = tmp_path / "starting.py"
    script.write_text(
        """
import http.server, os, urllib.parse
class Starting(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_POST(self):
        Starting.asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(503 if Starting.asked < 4 else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
port = urllib.parse.urlsplit(os.environ["NOTIFY_URL"]).port
http.server.HTTPServer(("127.0.0.1", port), Starting).serve_forever()
"""
    )
    run = f'"{sys.executable}" -S "{script}"'
    examined = exam("--notify", f"{origin}/notify", "--only", "forged", "--run", run)
    assert examined.of("forged").endswith(": refused (401)")


def test_another_backend_in_its_place_is_noticed(exam, origin, monkeypatch):
    """Two exams at once on one port: the second one's backend cannot listen, and the first one's answers."""
    monkeypatch.chdir(ROOT)
    run = f"{PROGRAM} & until curl -s --noproxy '*' {origin}/orders/none; do sleep 0.05; done; sleep 0.5; exit 3"
    late = f"sleep 1.5; {commands(origin)[3]}"
    examined = exam(*commands(origin), "--order", late, "--only", "paid", "--run", run)
    assert examined.status == 2
    assert (
        f"--run did not live as long as the exam, and somebody listens at {origin}/notify"
        in examined.complaint
    )


def test_a_certificate_that_nobody_here_trusts_is_said(exam, tmp_path, monkeypatch):
    certificate = self_signed(tmp_path / "shop.pem")

    class Refusing(Answering):
        def do_POST(self) -> None:
            self.body()
            self.answer(401)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        words = ("--notify", f"https://127.0.0.1:{server.server_port}/notify", "--only", "forged")
        examined = exam(*words)
        assert examined.status == 2
        assert "is not trusted here (self-signed certificate): SSL_CERT_FILE" in examined.complaint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert exam(*words).status == 0
    finally:
        server.shutdown()
        server.server_close()


def self_signed(file: Path) -> Path:
    """A certificate of 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    return file


# ---- commands ----


def test_books_that_know_an_order_only_once_it_is_paid_are_told_after_the_close(merchant, exam):
    with running(merchant, never_asks=True, leaves_open_what_it_cannot_close=True) as backend:
        words = commands(backend.origin)
        words[5] += " | sed 's/unpaid 0/unknown/'"
        examined = exam(*words, "--only", "closed_and_paid")
    assert examined.of("closed_and_paid").startswith("✓"), examined.lines


def test_rows_that_need_a_command_say_which(exam, backend):
    examined = exam("--notify", f"{backend.origin}/notify")
    assert examined.status == 0
    judged = {
        "forged",
        "altered",
        "stale",
        "probe",
        "unknown_serial",
        "replayed",
        "other_kinds",
        "unknown_order",
        "slow",
    }
    assert {name for name, mark in examined.marks().items() if mark == "✓"} == judged
    assert examined.of("paid").endswith(": needs --order and --status")
    assert examined.of("closed_and_paid").endswith(": needs --order and --status and --close")
    assert examined.lines[-1] == "18 rows: 9 ✓, 0 ✗, 9 –"


def test_without_the_fen_nobody_says_whether_something_was_counted_twice(merchant, exam):
    with running(merchant, tells_no_fen=True, counts_each_time=True) as backend:
        examined = exam(*commands(backend.origin))
    assert examined.status == 0
    assert [name for name, mark in examined.marks().items() if mark == "–"] == ["duplicate"]
    assert examined.of("duplicate").endswith(
        'needs the fen credited, behind the word that --status prints: "paid 100"'
    )


@pytest.mark.parametrize(
    ("option", "command", "said"),
    [
        ("--order", "echo sorry >&2; exit 7", "--order ended with exit status 7: sorry"),
        ("--order", "there-is-no-such-command", "--order ended with exit status 127: "),
        ("--order", "true", "--order prints an out_trade_no as its last line, and printed ''"),
        ("--order", "echo T1217752501201407", "no such order was placed at http://127.0.0.1:"),
        (
            "--status",
            "echo PAID",
            "--status prints one of unpaid, paid, closed, refunded, unknown, and the fen",
        ),
        ("--status", "echo paid 1.00", "it printed 'paid 1.00'"),
    ],
)
def test_a_command_that_does_not_do_what_it_is_for_is_shown(exam, backend, option, command, said):
    examined = exam(*commands(backend.origin), option, command, "--only", "paid")
    assert (examined.status, examined.marks()) == (1, {"paid": "✗"})
    assert said in examined.of("paid")


def test_the_last_line_is_the_answer(exam, backend):
    spoken = f"echo one moment; {commands(backend.origin)[3]}; echo; echo"
    assert exam(*commands(backend.origin), "--order", spoken, "--only", "paid").status == 0


def test_a_command_has_its_time_and_then_it_is_ended_with_its_children(tmp_path, eventually):
    written = tmp_path / "pid"
    endless = Commands({"order": f"echo thinking >&2; sleep 600 & echo $! > {written}; wait"}, {}, limit=0.5)
    with pytest.raises(CommandError, match="had not ended after its time, and was ended: thinking"):
        endless.order(100)
    eventually(lambda: not is_running(int(written.read_text())))


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return (
        not Path(f"/proc/{process}/stat").exists() or " Z " not in Path(f"/proc/{process}/stat").read_text()
    )


# ---- a simulator that runs is left as it was ----


def test_rules_and_settings_are_those_that_there_were(exam, backend, merchant):
    rules = [
        {"on": "native", "effect": "latency", "seconds": 0, "times": 5},
        {"on": "refund", "effect": "result", "result": "ABNORMAL"},
    ]
    settings = {"closeAfter": 300, "minuteBetweenRefunds": True}
    try:
        merchant.control("POST", "faults", {"rules": rules})
        merchant.control("POST", "settings", settings)
        assert (
            exam(*commands(backend.origin), "--only", "paid", "refund_retried", "closed_and_paid").status == 0
        )
        standing = merchant.control("GET", "faults").json["rules"]
        assert [(rule["on"], rule["effect"], rule.get("left")) for rule in standing] == [
            ("native", "latency", 5),
            ("refund", "result", None),
        ]
        shown = merchant.control("GET", "settings").json
        assert {name: shown[name] for name in settings} == settings
    finally:
        merchant.control("DELETE", "faults")
        merchant.control("POST", "settings", {"closeAfter": 0, "minuteBetweenRefunds": False})


def test_two_exams_at_once_at_one_simulator_would_undo_each_other(exam, backend, merchant):
    """And one that was killed has left its rule: the next one would put it back for ever."""
    words = ("--notify", f"{backend.origin}/notify", "--only", "other_kinds")
    try:
        with WeChatPay(merchant.url).silenced():
            examined = exam(*words)
        assert (examined.status, examined.marks()) == (2, {})
        assert "another exam is at it, or was killed: DELETE /_sandbox/faults" in examined.complaint
        assert exam(*words).status == 0
    finally:
        merchant.control("DELETE", "faults")


@pytest.mark.parametrize("mode", ["cert", "two-certs", "mixed"])
def test_it_signs_as_the_simulator_does(exam, merchant, mode):
    """The backend of these tests knows the public key alone, so what is signed otherwise is refused."""
    try:
        merchant.control("POST", "keys", {"mode": mode, "percentage": 0})
        with running(merchant) as backend:
            assert exam("--notify", f"{backend.origin}/notify", "--only", "other_kinds").wrong() == {
                "other_kinds"
            }
    finally:
        merchant.control("POST", "keys", {"mode": "pubkey"})


def test_keys_of_another_simulator_are_noticed(exam, backend, tmp_path):
    other = tmp_path / "credentials.json"
    words = ("--notify", f"{backend.origin}/notify", "--credentials", str(other))
    assert exam(*words).status == 2  # no such file, and a simulator that runs
    other.write_text(merchant_file().read_text().replace("PUB_KEY_ID_01", "PUB_KEY_ID_02"))
    examined = exam(*words)
    assert examined.status == 2
    assert "--credentials is not the file that the simulator at" in examined.complaint
    other.write_text("{}")
    assert "has no text under" in exam(*words).complaint


def test_no_simulator_at_the_address_is_said(exam, backend, origin):
    examined = exam("--notify", f"{backend.origin}/notify", "--simulator", origin)
    assert (examined.status, examined.lines[-1]) == (2, "18 rows: 0 ✓, 0 ✗, 0 –, 18 not examined")
    assert f"no simulator answers at {origin}" in examined.complaint
    assert exam("--notify", f"{backend.origin}/notify", "--simulator", backend.origin).status == 2

    class Something(Answering):
        def do_GET(self) -> None:
            self.answer(200, b"{}")

    with serving(Something) as other:
        examined = exam("--notify", f"{backend.origin}/notify", "--simulator", other)
    assert examined.complaint == f"exam: what answers at {other} is no simulator of WeChat Pay\n"


def test_a_host_is_called_only_if_it_is_named(exam, backend):
    elsewhere = backend.origin.replace(
        "127.0.0.1", "127.1"
    )  # this machine, under a name that is not known for it
    words = ("--notify", f"{elsewhere}/notify", "--only", "other_kinds")
    assert exam(*words).status == 2
    assert exam(*words, "--notify-host", "shop.example.com", "127.1").status == 0


def test_a_host_is_the_same_in_capitals_and_one_that_cannot_be_is_told(exam):
    words = (
        "--notify",
        "http://shop..invalid:1/notify",
        "--only",
        "other_kinds",
        "--notify-host",
        "SHOP..Invalid",
    )
    examined = exam(*words)
    assert examined.status == 2
    assert "nobody listens at http://shop..invalid:1/notify" in examined.complaint


def test_a_port_that_is_taken_is_said(capsys, backend):
    taken = backend.origin.rpartition(":")[2]
    words = ["--notify", f"{backend.origin}/notify", "--credentials", str(merchant_file()), "--port", taken]
    assert command.exam(words) == 2
    assert f"port {taken} cannot be had" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--notify", "http://shop.example.com/notify"), "--notify: its host is not this machine"),
        (("--notify", "127.0.0.1:3000"), "--notify: a URL begins with http://"),
        (("--notify", "http://127.0.0.1:99999/"), "--notify: a URL begins with http://"),
        (
            (
                "--notify",
                "http://127.0.0.1:1/",
                "--junit",
                "nowhere/report",
                "--markdown",
                "./nowhere/report",
            ),
            "--markdown: nowhere/report is the file of --junit",
        ),
        (("--notify", "http://127.0.0.1:0/"), "--notify: a URL begins with http://"),
        (
            ("--notify", "http://a:1/", "--notify-host", "http://a"),
            "--notify-host: 'http://a' is not the name",
        ),
        (("--notify", "http://127.0.0.1:1/", "--port", "٣"), "--port: a number from 0 to 65535"),
        (
            ("--notify", "http://127.0.0.1:3000/n?shop=1"),
            "--notify: WeChat Pay takes no notify_url with a ? or #",
        ),
        (
            ("--notify", "http://127.0.0.1:3000/", "--simulator", "http://shop.example.com"),
            "--simulator: its host is not",
        ),
        (("--notify", "http://127.0.0.1:3000/", "--port", "8181"), "--port: is of the exam's own simulator"),
        (("--notify", "http://127.0.0.1:3000/", "--only", "everything"), "--only: invalid choice"),
        (("--notify", "http://127.0.0.1:3000/", "--patience", "nan"), "--patience: a number of seconds"),
        (
            ("--notify", "http://127.0.0.1:3000/", "--junit", "/nowhere/report.xml"),
            "--junit: /nowhere/report.xml cannot",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_started(exam, words, said):
    examined = exam(*words)
    assert (examined.status, examined.lines) == (2, [])
    assert said in examined.complaint


def test_slow_alone_asks_once(exam, backend):
    examined = exam("--notify", f"{backend.origin}/notify", "--only", "slow")
    assert examined.status == 0
    assert "the slowest of 1 took 0." in examined.of("slow")
