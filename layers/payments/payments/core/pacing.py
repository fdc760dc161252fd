"""The pace of refunds that WeChat Pay does not take: so many in a second, whoever sends them, or it refuses good ones too.

Source: WeChat Pay APIv3, "Refund": six refused or failed refund requests of a merchant in a second.
"""

from wechatpay.errors import RefusedError, UnknownOutcomeError

REFUSALS_A_SECOND = 6
AT_ONCE = 2  # of the queue of sends: its MaximumConcurrency in template.yaml; no other look sends a refund
TRIES = 2  # of one call: main host and backup host, each of which may say no

# Whoever was refused holds its place for so long, so that the next in that place cannot come too soon. A second then
# has room for the refusals before a call and for every try of that call; the rest is for clocks that are not exact.
HELD_FOR = 1.04 / (REFUSALS_A_SECOND // AT_ONCE - (TRIES - 1))  # seconds for each refusal


def held_after(failure: BaseException | None) -> float:
    """Seconds to wait after a refund was sent and this came of it; 0 when WeChat Pay took it."""
    if isinstance(failure, RefusedError) and not failure.after_unknown:
        return HELD_FOR
    return HELD_FOR * TRIES if isinstance(failure, RefusedError | UnknownOutcomeError) else 0.0
