"""Fifty thousand notifications that nobody may believe, each one change away from one that is believed.

Eight thousand in a run that is not thorough.
"""

import os
import random
import time
import tracemalloc

import pytest

from tests.resilience.fuzz import forgeries, judging, signed
from tests.resilience.fuzz.forgeries import Signed
from tests.resilience.fuzz.judging import Outcome
from tests.resilience.fuzz.world import World
from tests.thorough import many

MANY = int(os.environ.get("MANY") or many(50_000, instead=2000))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))


def test_nothing_that_wechat_pay_did_not_sign_or_that_is_not_true_is_believed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    reads = world.secret_reads

    outcome = judging.run(world, seed=SEED, many=MANY)

    with capsys.disabled():
        print(f"\n{outcome.table()}")
    assert outcome.failures == []
    assert (outcome.accepted, outcome.server_errors, outcome.outbound) == (0, 0, 0)
    assert outcome.counts.total() >= MANY
    assert world.secret_reads - reads <= 1  # time stands still: read when it was first needed


def test_what_is_true_is_credited_once_and_in_every_form_that_it_may_come_in(world: World) -> None:
    assert list(judging.disbelieved(world)) == []


def test_the_run_notices_a_function_that_believes_one_forgery(world: World) -> None:
    good = signed.paid(world, "pending")
    believed = forgeries.Forgery("control", "unaltered", good.event())

    outcome = Outcome(seed=0)
    assert not judging.tried(world, believed, outcome)
    world.restore()

    assert (outcome.accepted, len(outcome.failures)) == (1, 1)
    assert "make fuzz SEED=0 ONLY='unaltered'" in outcome.failures[0]


def test_a_failure_can_be_made_again_by_its_label(world: World) -> None:
    first = list(judging.again(world, seed=7, label="7:31"))
    second = list(judging.again(world, seed=7, label="7:31"))
    assert [case.kind for case in first] == [case.kind for case in second] == ["scrambled"]


# ---- the threats that have a name ----


def refused(world: World, made: list[forgeries.Forgery]) -> Outcome:
    outcome = Outcome(seed=0)
    assert made
    for case in made:
        judging.tried(world, case, outcome)
    assert outcome.failures == []
    return outcome


def test_t2_no_host_no_forwarding_header_and_no_address_switches_verification_off(world: World) -> None:
    refused(world, list(forgeries.persuasion(signed.paid(world, "pending"))))


def test_t2_no_environment_variable_switches_verification_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every variable that the function has, and those that other backends know, each set to what might mean `off`."""
    forged = signed.paid(world, "pending").but(wechatpay_signature="A" * 344).event()
    words = (
        "SKIP_VERIFY",
        "SKIP_SIGNATURE",
        "SkipNotifySignature",
        "WECHAT_SKIP_VERIFY",
        "WECHAT_SANDBOX",
        "SANDBOX",
    )
    others = (
        "DEBUG",
        "TESTING",
        "ENV",
        "STAGE",
        "APP_ENV",
        "PYTEST_CURRENT_TEST",
        "AWS_SAM_LOCAL",
        "LOCAL",
        "CI",
    )
    powertools = ("POWERTOOLS_DEV", "POWERTOOLS_DEBUG", "POWERTOOLS_LOG_LEVEL")
    for name in {*world.environment, *words, *others, *powertools}:
        for value in ("", "0", "1", "true", "false", "off", "none", "local", "test", "localhost"):
            app, _ = world.fresh(world.environment | {name: value})
            monkeypatch.setenv(name, value)
            answer = world.notify(forged, app)
            assert answer.status in (401, 500), (name, value, answer)
            assert (answer.payments_written, answer.to_tables, answer.elsewhere) == (0, 0, 0), (name, value)
        monkeypatch.undo()


def test_t3_no_set_of_headers_that_lacks_one_is_enough(world: World) -> None:
    outcome = refused(world, list(forgeries.subsets(signed.paid(world, "pending"))))
    assert outcome.counts["subset of the headers"] == 3 * (2**4 - 1) + 2


def test_t4_what_decrypts_is_not_proven_by_that_and_what_is_proven_must_decrypt(world: World) -> None:
    refused(world, list(signed.keys(world)))
    outcome = Outcome(seed=0)
    for case in signed.resources(world):
        judging.tried(world, case, outcome)
    assert outcome.counts["not decrypted"] >= 10
    assert outcome.failures == []


def test_t5_a_replay_is_inert_within_five_minutes_and_refused_after_them(world: World) -> None:
    refused(world, list(signed.replays(world)))
    event = signed.paid(world, "pending").event()
    answers = [world.notify(event) for _ in range(30)]
    assert [answer.payments_written for answer in answers] == [1] + [0] * 29
    assert {answer.status for answer in answers} == {200}
    world.restore()


def test_t9_unknown_serials_read_the_secret_at_most_once_a_minute_and_ask_nobody(world: World) -> None:
    app, _ = world.fresh(world.environment)
    unknown = signed.sign(world, b"{}", serial="A" * 40)
    reads, began = world.secret_reads, world.now
    try:
        for number in range(3_000):
            world.now = began + number / 30  # a hundred seconds in all
            answer = world.notify(unknown.but(wechatpay_serial=f"{number:040X}").event(), app)
            assert (answer.status, answer.to_tables, answer.elsewhere) == (401, 0, 0)
    finally:
        world.now = began
    assert world.secret_reads - reads <= 3


def test_t10_a_probe_is_a_wrong_signature_and_told_apart_in_the_log_alone(world: World) -> None:
    good = signed.paid(world, "pending")
    wrong = world.notify(good.but(wechatpay_signature="A" * 344).event())
    for case in signed.probes(world):
        answer = world.notify(case.event)
        assert (answer.status, answer.body) == (wrong.status, wrong.body)
        if case.label != "in lower case":
            assert answer.line["reason"] == "probe"


def test_t13_a_signature_has_one_spelling(world: World) -> None:
    refused(world, list(forgeries.signatures(signed.paid(world, "pending"))))


def test_t14_header_tricks_move_no_border_between_what_is_signed(world: World) -> None:
    refused(world, [*forgeries.borders(signed.paid(world, "pending")), *signed.lines(world)])


def test_t15_what_is_too_large_too_deep_or_compressed_is_refused_at_once_and_keeps_no_memory(
    world: World,
) -> None:
    for case in forgeries.sizes(signed.paid(world, "pending")):
        best = 60.0
        for _ in range(3):  # the machine may have been busy
            before = time.perf_counter()
            answer = world.notify(case.event)
            best = min(best, time.perf_counter() - before)
        assert answer.status == case.status, case.label
        assert best < 0.05, case.label
    body = Signed({}, b"[" * 60_000)
    tracemalloc.start()
    try:
        world.notify(body.event())
        kept, _ = tracemalloc.get_traced_memory()
        for _ in range(100):
            world.notify(body.event())
        assert tracemalloc.get_traced_memory()[0] - kept < 2_000_000  # of six million that came
    finally:
        tracemalloc.stop()
