"""One simulator that runs for all of them, backends, and the exam as its command."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.kit.keys import merchant as credentials
from tests.kit.keys import merchant_file
from tests.simulator.merchant import Merchant, served
from wechatpay_simulator.examining import exam as command


@dataclass
class Examined:
    """What an exam has printed, and how it ended."""

    status: int
    lines: list[str]
    complaint: str

    def marks(self) -> dict[str, str]:
        """Of each row its mark."""
        return {line[2:20].strip(): line[0] for line in self.lines if line[:2] in ("✓ ", "✗ ", "– ")}

    def wrong(self) -> set[str]:
        return {name for name, mark in self.marks().items() if mark == "✗"}

    def of(self, row: str) -> str:
        """Its line."""
        return next(line for line in self.lines if line[2:20].strip() == row)


Exam = Callable[..., Examined]


@pytest.fixture(scope="session")
def merchant() -> Iterator[Merchant]:
    with served(credentials()) as merchant:
        yield merchant


@pytest.fixture
def exam(merchant: Merchant, capsys: pytest.CaptureFixture[str]) -> Exam:
    """The command, on the simulator that runs, with a little patience; words that are given last count."""

    def examine(*words: str) -> Examined:
        common = ("--simulator", merchant.url, "--credentials", str(merchant_file()), "--patience", "0.6")
        try:
            status = command.exam([*common, *words])
        except SystemExit as end:
            status = int(str(end.code))
        told = capsys.readouterr()
        return Examined(status, told.out.splitlines(), told.err)

    return examine


def commands(origin: str) -> list[str]:
    """How the backends of these tests are asked, in a shell: by curl, which starts in no time."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    curl = "curl -sS --fail-with-body --noproxy '*' -H 'Content-Type: application/json'"
    refund = r'''"{\"amount\": $AMOUNT, \"key\": \"$REFUND_KEY\"}"'''
    return [
        *("--notify", f"{origin}/notify"),
        *("--order", rf"""{curl} -d "{{\"amount\": $AMOUNT}}" {origin}/orders"""),
        *("--status", f"{curl} {origin}/orders/$OUT_TRADE_NO"),
        *("--refund", f"{curl} -d {refund} {origin}/orders/$OUT_TRADE_NO/refunds"),
        *("--close", f"{curl} -d '' {origin}/orders/$OUT_TRADE_NO/close"),
    ]
