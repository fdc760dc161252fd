"""Refused refunds keep WeChat Pay's pace, whatever is refused and however long each call takes."""

import random
from pathlib import Path

from payments.core.pacing import MAX_REFUSALS_A_SECOND, MAX_SENDS_AT_ONCE, MAX_TRIES, seconds_held_after
from sandbox.cloudformation.template import transformed
from wechatpay.errors import RefusedError, UnknownOutcomeError

TEMPLATE = Path(__file__).parents[2] / "template.yaml"


def refused(*, after_unknown: bool = False) -> RefusedError:
    problem = RefusedError(code="NOT_ENOUGH", message="", http_status=403, request_id=None)
    problem.after_unknown = after_unknown
    return problem


class Place:
    """One of the places in which settle runs: a call, what came of it, the wait, and the next call."""

    def __init__(self, chance: random.Random) -> None:
        self.now = chance.random()
        self.refusals: list[float] = []
        self._chance = chance

    def send(self) -> None:
        """One call on the virtual clock, with one refusal or with two, quick or slow."""
        failure, answers = self._chance.choice(
            [
                (refused(), 1),
                (refused(after_unknown=True), MAX_TRIES),
                (UnknownOutcomeError("HTTP 500", http_status=500), MAX_TRIES),
                (UnknownOutcomeError("HTTP 429", http_status=429), 1),
            ]
        )
        for _ in range(answers):
            self.now += self._chance.choice([0.0, 0.001, 0.2, 3.0]) * self._chance.random()
            self.refusals.append(self.now)
        self.now += seconds_held_after(failure)


def most_in_a_second(seed: int) -> int:
    chance = random.Random(seed)
    places = [Place(chance) for _ in range(MAX_SENDS_AT_ONCE)]
    for _ in range(500):
        min(places, key=lambda place: place.now).send()
    moments = sorted(moment for place in places for moment in place.refusals)
    return max(sum(1 for other in moments if moment <= other <= moment + 1) for moment in moments)


def test_no_second_has_more_refusals_than_the_six_that_wechat_pay_allows_and_some_have_as_many() -> None:
    """Held longer than that, a queue of refused refunds takes longer to come to those that would be taken."""
    most = [most_in_a_second(seed) for seed in range(20)]
    assert (max(most), MAX_TRIES) == (MAX_REFUSALS_A_SECOND, 2) == (6, 2)


def test_a_refund_that_was_taken_holds_nobody_up() -> None:
    assert seconds_held_after(None) == 0


def test_the_template_sends_as_many_at_once_as_the_pace_is_made_for() -> None:
    functions = transformed(TEMPLATE)["Resources"]
    (mapping,) = [
        resource["Properties"]
        for resource in functions.values()
        if resource["Type"] == "AWS::Lambda::EventSourceMapping"
        and "SendsQueue" in str(resource["Properties"]["EventSourceArn"])
    ]
    assert (mapping["ScalingConfig"]["MaximumConcurrency"], mapping["BatchSize"]) == (MAX_SENDS_AT_ONCE, 1)
