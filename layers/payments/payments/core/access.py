"""What opens a door here: the rights that an access token gives, and how long a key must be that signs for us."""

from collections.abc import Mapping

PAY = "pay"  # a buyer, for themselves
CHARGE = "charge"  # a trusted backend, for anybody
REFUND = "refund"  # the back office
READ = "read"  # whoever looks at anybody's orders, support or bookkeeping, and moves nothing
RECONCILE = "reconcile"  # whoever sees to the books: compares days with WeChat Pay's bills, and reads them
SCOPE_NAMES: Mapping[str, str] = {
    PAY: "payments:pay",
    CHARGE: "payments:charge",
    REFUND: "payments:refund",
    READ: "payments:read",
    RECONCILE: "payments:reconcile",
}
"""What each right is called in access tokens, where the stack says nothing else (parameters PayScope and so on)."""

MIN_KEY_CHARACTERS = 32  # RFC 7518, section 3.2: an HS256 key has at least 256 bits
