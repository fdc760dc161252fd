"""A breaker for a merchant that WeChat Pay refuses altogether: wrong keys or lost rights must not become a storm."""

MAX_REFUSALS = 5  # in a row, about the merchant and not about one order
OPEN_SECONDS = 300  # seconds in which WeChat Pay is left alone


class Breaker:
    """Open after five refusals in a row; closed again by time, and for good by one answer."""

    def __init__(self) -> None:
        self._refusals = 0
        self._until = 0.0

    def is_open(self, now: float) -> bool:
        """Whether WeChat Pay is to be left alone at `now` (epoch seconds)."""
        return now < self._until

    def note_answer(self) -> None:
        """WeChat Pay has answered a question of this merchant."""
        self._refusals = 0
        self._until = 0.0

    def note_refusal(self, now: float) -> None:
        """WeChat Pay has refused the merchant itself."""
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            self._until = now + OPEN_SECONDS
