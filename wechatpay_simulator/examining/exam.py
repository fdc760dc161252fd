"""`wechatpay-simulator exam`: put anybody's backend through WeChat Pay's checklist."""

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from wechatpay_simulator.clock import Clock
from wechatpay_simulator.credentials import Credentials, CredentialsError
from wechatpay_simulator.examining.arguments import understood
from wechatpay_simulator.examining.carrier import Carrier
from wechatpay_simulator.examining.checklist import ROWS, in_turn
from wechatpay_simulator.examining.commands import NAMES, Commands
from wechatpay_simulator.examining.examination import Examination
from wechatpay_simulator.examining.examinee import examinee
from wechatpay_simulator.examining.junit import junit
from wechatpay_simulator.examining.report import Report
from wechatpay_simulator.examining.row import CommandError, ExamError, Mark, Outcome, Row, failed, needs
from wechatpay_simulator.examining.wechat_pay import WeChatPay
from wechatpay_simulator.protocol.keys import Keys
from wechatpay_simulator.simulator import Simulator


def exam(words: Sequence[str]) -> int:
    """Do it; returns the exit status. What was found until then is reported, however it ends."""
    asked = understood(words)
    report = Report([(row.name, row.what) for row in ROWS if row.name in asked.only])
    try:
        with _ended_by_signals(), _examination(asked) as examination:
            _examine(examination, asked.only, report)
    except ExamError as problem:
        report.broken_off = str(problem)
    except KeyboardInterrupt:
        report.broken_off = "it was interrupted"
    finally:
        written = _write(asked, report)
    print(report.summary(), flush=True)
    if report.broken_off:
        print(f"exam: {report.broken_off}", file=sys.stderr, flush=True)
    if report.broken_off or not written:
        return 2
    return 1 if report.count(Mark.FAILED) else 0


def _examine(examination: Examination, names: set[str], report: Report) -> None:
    """Row by row, each printed as it ends, and again if the last look into the books makes it wrong."""
    took: dict[str, float] = {}
    for row in in_turn(names):
        began = time.monotonic()
        examination.carrier.row = row.name
        outcome = _judged(row, examination)
        took[row.name] = time.monotonic() - began
        print(report.add(row.name, outcome, took[row.name]).line(), flush=True)
    try:
        for name, problem in examination.credited_late():
            print(report.add(name, failed(problem), took[name]).line(), flush=True)
    except CommandError as problem:
        raise ExamError(f"the last look into the books: {problem}") from None


def _judged(row: Row[Examination], examination: Examination) -> Outcome:
    missing = [f"--{name}" for name in row.needs if name not in examination.commands]
    if missing:
        return needs(" and ".join(missing))
    try:
        return row.judge(examination)
    except CommandError as problem:
        return failed(str(problem))


@contextlib.contextmanager
def _examination(asked: argparse.Namespace) -> Iterator[Examination]:
    """Simulator and examinee up and known to each other, and down again or as they were at the end. Raises ExamError."""
    with contextlib.ExitStack() as stack:
        file = _credentials_file(asked, stack)
        try:
            credentials = Credentials.load_or_create(file)
        except (CredentialsError, OSError) as problem:
            raise ExamError(str(problem)) from None
        clock = Clock()
        wechat_pay = WeChatPay(asked.simulator or _own_simulator(asked, credentials, clock, stack))
        keys = _keys_as_of(wechat_pay, credentials, clock)
        environment = {
            "WECHATPAY_URL": wechat_pay.url,
            "WECHATPAY_CREDENTIALS": str(file.resolve()),
            "NOTIFY_URL": asked.notify,
        }
        stack.enter_context(wechat_pay.silenced())
        program = stack.enter_context(
            examinee(asked.run, asked.notify, environment, others=asked.notify_host)
        )
        given = {name: command for name in NAMES if (command := getattr(asked, name)) is not None}
        yield Examination(
            wechat_pay=wechat_pay,
            carrier=Carrier(
                asked.notify,
                credentials=credentials,
                keys=keys,
                clock=clock,
                others=asked.notify_host,
                last_words=program.last_words,
            ),
            commands=Commands(given, environment),
            appid=credentials.appid,
            patience=asked.patience,
        )


def _credentials_file(asked: argparse.Namespace, stack: contextlib.ExitStack) -> Path:
    if asked.credentials is not None:
        return Path(asked.credentials)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wechatpay-exam-"))
    return Path(folder) / "credentials.json"


def _own_simulator(
    asked: argparse.Namespace, credentials: Credentials, clock: Clock, stack: contextlib.ExitStack
) -> str:
    simulator = Simulator(credentials, clock=clock)
    stack.callback(simulator.stop)
    try:
        return simulator.start(asked.port)
    except OSError as problem:
        raise ExamError(
            f"port {asked.port} cannot be had ({problem.strerror}): --port chooses another"
        ) from None


def _keys_as_of(wechat_pay: WeChatPay, credentials: Credentials, clock: Clock) -> Keys:
    """WeChat Pay's keys as the simulator signs with them, by its time, which may be ahead. Raises ExamError for another's file."""
    shown = wechat_pay.keys()
    known = {
        credentials.wechat_public_key_id,
        credentials.platform_serial_no,
        credentials.platform_serial_no_new,
    }
    if not known.issuperset(shown.names):
        raise ExamError(f"--credentials is not the file that the simulator at {wechat_pay.url} runs with")
    clock.advance(max(0.0, wechat_pay.now() - clock.time()))
    keys = Keys(credentials, clock, mode=shown.mode)
    keys.change(percentage=shown.percentage)
    return keys


def _write(asked: argparse.Namespace, report: Report) -> bool:
    """The report into the files that were asked for; whether all of them could be written."""
    written = True
    for file, text in ((asked.junit, junit), (asked.markdown, Report.markdown)):
        if file is not None:
            try:
                file.write_text(text(report), encoding="utf-8")
            except OSError as problem:
                print(f"exam: {file} cannot be written: {problem.strerror}", file=sys.stderr)
                written = False
    return written


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM, with which CI servers end what takes too long, and SIGHUP of a closed terminal are interruptions like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    ending = [signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # of nohup
        ending.append(signal.SIGHUP)
    before = [signal.signal(number, interrupt) for number in ending]
    try:
        yield
    finally:
        for number, handler in zip(ending, before, strict=True):
            signal.signal(number, handler)
