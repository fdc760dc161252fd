"""What the examinee does when it is asked: the commands of the command line, each run by the shell, with its answer."""

import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from wechatpay_simulator.examining.process import end, last_lines, start
from wechatpay_simulator.examining.row import CommandError

LIMIT_SECONDS = 30.0
NAMES = ("order", "status", "refund", "close")
WORDS = ("unpaid", "paid", "closed", "refunded", "unknown")

# The shell's own words for a command that is not there or may not be run (POSIX; cmd.exe).
_NOT_RUN = (126, 127, 9009)


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, None when it was cut off; the last line of stdout, and of what it complained."""

    name: str
    status: int | None
    answer: str
    complaint: str

    @property
    def problem(self) -> str:
        """Why it was no success, as a sentence; nothing when it was one."""
        if self.status == 0:
            return ""
        said = f": {self.complaint}" if self.complaint else ""
        if self.status is None:
            return f"--{self.name} had not ended after its time, and was ended{said}"
        return f"--{self.name} ended with exit status {self.status}{said}"

    @property
    def was_run(self) -> bool:
        """Whether there was such a command, and it came to its own end."""
        return self.status is not None and self.status not in _NOT_RUN


@dataclass(frozen=True)
class Entry:
    """What the books say of an order: one of WORDS, and the fen that were credited for it in all, where they tell."""

    word: str
    fen: int | None

    @property
    def is_credited(self) -> bool:
        """Whether somebody who goes by these books hands out the goods, or has been given money for them."""
        return self.word in ("paid", "refunded") or bool(self.fen)

    def __str__(self) -> str:
        return self.word if self.fen is None else f"{self.word} {self.fen}"


class Commands:
    """The commands that there are, by name. `environment` is added to each."""

    def __init__(
        self, given: Mapping[str, str], environment: Mapping[str, str], *, limit: float = LIMIT_SECONDS
    ) -> None:
        self._given = given
        self._environment = environment
        self._limit = limit

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def order(self, amount: int) -> str:
        """The out_trade_no of an order of `amount` fen that the examinee has placed. Raises CommandError."""
        ended = self._answered("order", AMOUNT=str(amount))
        number = ended.answer
        if not number or len(number) > 32 or not number.isascii() or any(each.isspace() for each in number):
            raise CommandError(
                f"--order prints an out_trade_no as its last line, and printed {number[:40]!r}"
            )
        return number

    def status(self, out_trade_no: str) -> Entry:
        """What the examinee's books say. Raises CommandError, for another word than WORDS, too."""
        answer = self._answered("status", OUT_TRADE_NO=out_trade_no).answer
        word, _, fen = answer.partition(" ")
        if word not in WORDS or not (fen == "" or (fen.isascii() and fen.isdecimal() and len(fen) < 19)):
            raise CommandError(
                f"--status prints one of {', '.join(WORDS)}, and the fen credited behind it if it can "
                f"(paid 100); it printed {answer[:40]!r}"
            )
        return Entry(word, int(fen) if fen else None)

    def refund(self, out_trade_no: str, amount: int, key: str) -> Ended:
        """Ask for a refund of so many fen under this key, and say how that ended. Raises CommandError if it was not run."""
        return self._run("refund", OUT_TRADE_NO=out_trade_no, AMOUNT=str(amount), REFUND_KEY=key)

    def close(self, out_trade_no: str) -> Ended:
        """Ask for the order to be closed, and say how that ended. Raises CommandError if it was not run."""
        return self._run("close", OUT_TRADE_NO=out_trade_no)

    def _answered(self, name: str, **variables: str) -> Ended:
        ended = self._run(name, **variables)
        if ended.problem:
            raise CommandError(ended.problem)
        return ended

    def _run(self, name: str, **variables: str) -> Ended:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = start(self._given[name], {**self._environment, **variables}, out=out, err=err)
            try:
                status: int | None = process.wait(self._limit)
            except subprocess.TimeoutExpired:
                status = None
            except BaseException:
                end(process)
                raise
            if status is None:
                end(process)
            answer, complaint = last_lines(out), last_lines(err)
        ended = Ended(name, status, "".join(answer), "".join(complaint or answer))
        if not ended.was_run and not (
            name == "refund" and status is None
        ):  # that is an unclear end like others
            raise CommandError(ended.problem)
        return ended
