"""Callers of the API: they call, repeat as they are told, give up, and come back hours later."""

import json
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.kit.functions import api_event
from tests.resilience.soak.window import Window
from tests.resilience.soak.wishes import Mood, Reply

TRIES = 8  # of one caller, until it gives up
COMES_BACK = 0.3  # of those who gave up, hours later
REPEATED = (500, 503, 429)


class Callers:
    """Everybody who calls in one window; `outcomes` counts answers by function, status and code."""

    def __init__(self, window: Window, mood: Mood, chance: random.Random) -> None:
        self._window = window
        self._mood = mood
        self._chance = chance
        self.outcomes: Counter[str] = Counter()

    def call(
        self,
        function: str,
        body: dict[str, Any] | None = None,
        *,
        number: str | None = None,
        key: str | None = None,
        scope: str = "payments:charge",
        sub: str = "shop",
    ) -> Reply | None:
        """One call of the API; None when there was no answer."""
        event = api_event(function, body, number=number, key=key, sub=sub, scope=scope)
        answer = self._window.invoke(function, event)
        if answer is None:
            self.outcomes[f"{function} no answer"] += 1
            return None
        wait = {name.lower(): value for name, value in answer["headers"].items()}.get("retry-after")
        reply = Reply(answer["statusCode"], json.loads(answer["body"]), None if wait is None else float(wait))
        self.outcomes[f"{function} {reply.word}"] += 1
        if self._mood.quiet and reply.status == 503 and not reply.members.get("details", {}).get("closing"):
            self._window.violations.append(f"I10 nothing went wrong, and {function} answers {reply.members}")
        if reply.status == 500:
            self._window.violations.append(f"{function} answers INTERNAL_ERROR: {self._last_error()}")
        return reply

    def _last_error(self) -> str:
        lines = [line for line in self._window.logs.getvalue().splitlines() if '"exception"' in line]
        return lines[-1][-600:] if lines else "?"

    def until_told(
        self,
        call: Callable[[], Reply | None],
        then: Callable[[Reply], None],
        *,
        tries: int = TRIES,
        unheard: Callable[[], bool] = lambda: True,
        before: Reply | None = None,
    ) -> None:
        """Call until there is a definite answer, which `then` gets; give up after so many tries, and perhaps come back.

        `unheard` says whether to go on after no answer at all; `before` is the last answer.
        """
        reply = call()
        self._check_wait(before, reply)
        if reply is not None and reply.status not in REPEATED:
            then(reply)
            return
        if reply is None and not unheard():
            return
        go_on = partial(self.until_told, call, then, unheard=unheard)
        if self._chance.random() < self._mood.away:
            self._window.after(self._chance.uniform(1, 20) * 3600, partial(go_on, tries=min(tries, 4)))
        elif tries > 1:
            wait = None if reply is None else reply.retry_after
            before = None if wait is None else reply
            wait = self._chance.uniform(1, 30) if wait is None else wait
            self._window.after(wait, partial(go_on, tries=tries - 1, before=before))
        elif self._chance.random() < COMES_BACK:
            self._window.after(self._chance.uniform(1, 5) * 3600, partial(go_on, tries=3))

    def _check_wait(self, before: Reply | None, reply: Reply | None) -> None:
        """Whoever has waited for as long as they were told, after a send that had ended, is not told that it goes on."""
        if before is None or reply is None or not before.sent or self._window.functions.current is not None:
            return
        if reply.being_sent:
            self._window.violations.append(
                f"I9 told to repeat after {before.retry_after} s, then: {reply.members}"
            )
