"""How long a place of the queue of sends waits after a refused refund, so that a merchant stays below WeChat Pay's limit.

The limit is on refused or failed refund requests: six in a second. Beyond it WeChat Pay refuses good requests as well.
Source: WeChat Pay APIv3, "Refund".
"""

from wechatpay.errors import RefusedError, UnknownOutcomeError

MAX_REFUSALS_A_SECOND = 6
# Of the queue of sends: its MaximumConcurrency in template.yaml; no other look sends a refund.
MAX_SENDS_AT_ONCE = 2
MAX_TRIES = 2  # of one call: main host and backup host, each of which may say no

# After a refusal its place sends nothing for so long. Within one second the places together are then refused at most six
# times, every try of a call counted; the four per cent are for clocks that are not exact.
# For each refusal:
HELD_SECONDS = 1.04 / (MAX_REFUSALS_A_SECOND // MAX_SENDS_AT_ONCE - (MAX_TRIES - 1))


def seconds_held_after(failure: BaseException | None) -> float:
    """Seconds to wait after a refund was sent and this came of it; 0 when WeChat Pay took it."""
    if isinstance(failure, RefusedError) and not failure.after_unknown:
        return HELD_SECONDS
    return HELD_SECONDS * MAX_TRIES if isinstance(failure, RefusedError | UnknownOutcomeError) else 0.0
