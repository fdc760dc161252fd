"""A schedule fires on the sandbox's clock: on time, once per step however long, with AWS's event."""

import threading
import time

import pytest

from sandbox.deployed import Schedule
from sandbox.triggers.schedules import ScheduleTimer

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/minute"


class Function:
    def __init__(self, behaviour=lambda: "done"):
        self.events = []
        self.behaviour = behaviour

    def __call__(self, logical_id, event):
        assert logical_id == "SweepFunction"
        self.events.append(event)
        return self.behaviour()


@pytest.fixture
def timer(clock, running):
    def make(function, *, started=True, **settings):
        given = {"arn": ARN, "rate": 60, "source": "aws.scheduler", **settings}
        schedule = Schedule(logical_id="Minute", function="SweepFunction", **given)
        return running(ScheduleTimer(schedule, function, clock=clock), started=started)

    return make


def test_the_first_tick_comes_one_interval_after_the_start(clock, timer):
    function = Function()
    running = timer(function)
    clock.advance(59)
    assert running.drain(5)
    assert len(function.events) == 0
    clock.advance(1)
    assert running.drain(5)
    assert len(function.events) == 1


def test_every_minute_that_is_stepped_through_has_its_invocation(clock, timer):
    function = Function()
    running = timer(function)
    for _ in range(5):
        clock.advance(60)
        assert running.drain(5)
    assert running.invocations == len(function.events) == 5


def test_an_hour_in_one_step_is_one_invocation_and_the_beat_goes_on(clock, timer):
    function = Function()
    running = timer(function)
    clock.advance(3600)
    assert running.drain(5)
    assert len(function.events) == 1
    clock.advance(59)
    assert running.drain(5)
    assert len(function.events) == 1
    clock.advance(1)
    assert running.drain(5)
    assert len(function.events) == 2


def test_time_that_passes_by_itself_counts_too(timer):
    function = Function()
    timer(function, rate=0.05)
    for _ in range(100):
        if len(function.events) >= 3:
            break
        time.sleep(0.02)
    assert len(function.events) >= 3


def test_invocations_do_not_overlap_and_none_is_lost(clock, timer):
    begun, release = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert release.wait(5)

    function = Function(work)
    running = timer(function)
    clock.advance(60)
    assert begun.wait(5)
    clock.advance(60)
    clock.advance(60)
    assert not running.drain(0.1)
    assert len(function.events) == 1
    release.set()
    assert running.drain(5)
    assert len(function.events) == 2


def test_a_failure_is_kept_and_the_next_tick_comes(clock, timer):
    function = Function(lambda: 1 // 0)
    running = timer(function)
    clock.advance(60)
    assert running.drain(5)
    assert isinstance(running.last_error, ZeroDivisionError)
    function.behaviour = lambda: None
    clock.advance(60)
    assert running.drain(5)
    assert running.last_error is None


def test_without_a_start_only_run_now_fires(clock, timer):
    function = Function()
    idle = timer(function, started=False)
    clock.advance(3600)
    assert idle.drain(1)
    assert function.events == []
    assert idle.run_now() == "done"
    assert len(function.events) == 1


def test_run_now_raises_what_the_invocation_raises(timer):
    with pytest.raises(ZeroDivisionError):
        timer(Function(lambda: 1 // 0), started=False).run_now()


def test_the_templates_input_is_the_whole_event(timer):
    function = Function()
    timer(function, started=False, input={"limit": 10}).run_now()
    assert function.events == [{"limit": 10}]


def test_schedulers_default_event_has_a_text_for_its_detail(clock, timer):
    function = Function()
    timer(function, started=False).run_now()
    (event,) = function.events
    assert len(event.pop("id")) == 36
    moment = time.strptime(event.pop("time"), "%Y-%m-%dT%H:%M:%SZ")
    assert abs(clock.time() - time.mktime(moment) + time.timezone) < 3
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "region": "us-east-1",
        "resources": [ARN],
        "detail": "{}",
    }


def test_a_rules_default_event_has_an_object(timer):
    function = Function()
    timer(function, started=False, source="aws.events", arn="arn:aws:events:us-east-1:1:rule/r").run_now()
    assert (function.events[0]["source"], function.events[0]["detail"]) == ("aws.events", {})


def test_moments_of_the_day_have_an_invocation_each_and_no_other_time_has(clock, timer):
    function = Function()
    midnight = clock.time() // 86400 * 86400 + 86400
    running = timer(function, rate=0, moments=(600, 2400, 4200), source="aws.events")
    clock.advance(midnight - clock.time() + 599)
    assert running.drain(5)
    before = len(function.events)
    for _ in range(7):
        clock.advance(600)
        assert running.drain(5)
    times = [event["time"] for event in function.events[before:]]
    assert [time[11:] for time in times] == ["00:10:00Z", "00:40:00Z", "01:10:00Z"]


def test_a_whole_day_in_one_step_is_one_invocation_of_its_last_moment(clock, timer):
    function = Function()
    running = timer(function, rate=0, moments=(600, 2400), source="aws.events")
    clock.advance(86400)
    assert running.drain(5)
    assert len(function.events) == 1
    assert function.events[0]["time"][11:] in ("00:10:00Z", "00:40:00Z")
