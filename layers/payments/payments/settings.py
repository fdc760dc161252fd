"""The function's environment as checked values; the names are the specification's."""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from payments.book_settings import BookSettings
from payments.core.access import SCOPE_NAMES
from payments.core.errors import ConfigurationError
from payments.gateways import checked_gateway

NOTIFY_PATH = "/api/v1/payments/wechat/notify"

# RFC 6749, section 3.3, but for brackets, in which API Gateway hands a list of scopes over.
_SCOPE = re.compile(r"[!#-Z^-~]+")
# A second slash at the beginning would name another host.
_LOGO = re.compile(
    r"data:image/(?:png|jpeg|webp|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}|/[A-Za-z0-9._~-][A-Za-z0-9._~/-]*"
)


class Settings(BookSettings):
    """Reads a variable when it is asked for, so that a function needs only those of its own.

    Every property raises ConfigurationError naming a variable that is missing or unusable.
    """

    @property
    def service(self) -> str:
        """The stack's name, which metrics are counted under."""
        return self._environment.get("POWERTOOLS_SERVICE_NAME", "wechatpay")

    @property
    def payments_table(self) -> str:
        """Name of the table `payments`."""
        return self._text("PAYMENTS_TABLE")

    @property
    def quarantine_table(self) -> str:
        """Name of the table `quarantine`."""
        return self._text("QUARANTINE_TABLE")

    @property
    def notifications_table(self) -> str:
        """Name of the table `notifications`."""
        return self._text("NOTIFICATIONS_TABLE")

    @property
    def buyers_table(self) -> str:
        """Name of the table `buyers`."""
        return self._text("BUYERS_TABLE")

    @property
    def checkouts_table(self) -> str:
        """Name of the table `checkouts`."""
        return self._text("CHECKOUTS_TABLE")

    @property
    def connections_table(self) -> str:
        """Name of the table `connections`."""
        return self._text("CONNECTIONS_TABLE")

    @property
    def live_url(self) -> str:
        """Where a page opens its live connection, ws:// or wss://."""
        url = self._text("LIVE_URL")
        if not url.startswith(("wss://", "ws://")):
            raise ConfigurationError("LIVE_URL must begin with wss://")
        return url

    @property
    def creates_per_minute(self) -> int:
        """How many orders one buyer may open in a minute."""
        return self._number("CREATES_PER_MINUTE")

    @property
    def open_orders(self) -> int:
        """How many orders of one buyer may be open at once."""
        return self._number("OPEN_ORDERS")

    @property
    def refunds_per_day(self) -> int:
        """How many refunds one caller may ask for on one day, Beijing time."""
        return self._number("REFUNDS_PER_DAY")

    @property
    def due_shards(self) -> int:
        """Over how many shards the index `due` is spread."""
        return self._number("DUE_SHARDS")

    @property
    def event_bus(self) -> str:
        """Name of the EventBridge bus."""
        return self._text("EVENT_BUS")

    @property
    def settle_queue(self) -> str:
        """URL of the queue of payments to ask WeChat Pay about."""
        return self._text("SETTLE_QUEUE")

    @property
    def sends_queue(self) -> str:
        """URL of the queue of payments with a refund that must be sent."""
        return self._text("SENDS_QUEUE")

    @property
    def settle_concurrency(self) -> int:
        """How many payments are asked about at the same time."""
        return self._number("SETTLE_CONCURRENCY")

    @property
    def unpublished_bucket(self) -> str:
        """Name of the bucket for stream records whose events cannot be published."""
        return self._text("UNPUBLISHED_BUCKET")

    @property
    def signing_secret(self) -> str:
        """Id of the secret that holds the merchant's signing key."""
        return self._text("SIGNING_SECRET")

    @property
    def verification_secret(self) -> str:
        """Id of the secret that holds what verifies WeChat Pay."""
        return self._text("VERIFICATION_SECRET")

    @property
    def certificates_secret(self) -> str:
        """Id of the secret that holds downloaded platform certificates."""
        return self._text("CERTIFICATES_SECRET")

    @property
    def checkout_secret(self) -> str:
        """Id of the secret that holds the key of checkout addresses."""
        return self._text("CHECKOUT_SECRET")

    @property
    def return_origins(self) -> frozenset[str]:
        """Origins that a checkout may send its buyer back to, in lower case; none unless configured."""
        origins = frozenset(origin.lower().rstrip("/") for origin in self._list("RETURN_ORIGINS"))
        for origin in origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("https", "http") or origin != f"{parts.scheme}://{parts.netloc}":
                raise ConfigurationError("RETURN_ORIGINS must be origins like https://shop.example")
        return origins

    @property
    def merchant_name(self) -> str:
        """What the checkout page calls the merchant; may be empty."""
        return self._environment.get("MERCHANT_NAME", "")

    @property
    def merchant_logo(self) -> str:
        """What the checkout page shows above that name: a picture in base64 (data:), or a path on the page's own origin; may be empty."""
        logo = self._environment.get("MERCHANT_LOGO", "")
        if logo and not _LOGO.fullmatch(logo):
            raise ConfigurationError(
                "MERCHANT_LOGO must be a picture like data:image/png;base64,… or a path on the page's own origin like /logo.png"
            )
        return logo

    @property
    def public_url(self) -> str:
        """Base address of the API as the outside knows it: the notify URL's, for no function may refer to its own API."""
        return self.notify_url.removesuffix(NOTIFY_PATH)

    @property
    def order_life(self) -> int:
        """Seconds that a buyer has to pay, from creation."""
        return 60 * self._number("ORDER_MINUTES")

    @property
    def stack_scope(self) -> str:
        """Part of every derived order number, so that stages may share one merchant number."""
        return self._text("STACK_SCOPE")

    @property
    def mchid(self) -> str:
        """The merchant number."""
        return self._bare("WECHAT_MCH_ID")

    @property
    def notify_url(self) -> str:
        """Where WeChat Pay sends notifications."""
        return self._bare("WECHAT_NOTIFY_URL")

    @property
    def refunds_held(self) -> bool:
        """Whether no refund goes out until an operator has compared the books, after a restore."""
        return self._environment.get("REFUNDS_HELD") == "true"

    @property
    def refunds_duplicates(self) -> bool:
        """Whether a second payment of one checkout is refunded by itself."""
        return self._environment.get("REFUND_DUPLICATES") == "true"

    @property
    def requires_quote(self) -> bool:
        """Whether a buyer's order needs a price quote."""
        return self._text("REQUIRE_QUOTE") != "false"

    @property
    def scope_names(self) -> Mapping[str, str]:
        """What each right is called in access tokens, no two alike.

        A function is given those that its routes ask for. The others have their usual names, unless one that is given has it: then
        nobody has that right there.
        """
        variables = {right: f"{right.upper()}_SCOPE" for right in SCOPE_NAMES}
        given = {right: name for right, of in variables.items() if (name := self._environment.get(of))}
        for right, name in given.items():
            if not _SCOPE.fullmatch(name):
                raise ConfigurationError(
                    f"{right.upper()}_SCOPE must be one scope, without blanks, quotes and brackets"
                )
        if len(set(given.values())) < len(given):
            raise ConfigurationError(
                f"{', '.join(variables.values())} must differ: with one name, every buyer may do all of it"
            )
        usual = {right: name for right, name in SCOPE_NAMES.items() if name not in given.values()}
        return usual | given

    @property
    def h5_payments(self) -> bool:
        """Whether a checkout is paid by H5 in a phone's browser."""
        return self._text("H5_PAYMENTS") != "false"

    @property
    def client_address_from(self) -> str:
        """Who says where a buyer comes from: gateway or cloudfront."""
        return self._text("CLIENT_ADDRESS_FROM")

    @property
    def gateways(self) -> tuple[str, str]:
        """Origins of WeChat Pay's main and backup host; both must be on the allow-list, in small letters, without a path."""
        return self._gateway("WECHAT_GATEWAY"), self._gateway("WECHAT_BACKUP_GATEWAY")

    def _gateway(self, name: str) -> str:
        allowed = [origin.strip() for origin in self._text("WECHAT_GATEWAYS_ALLOWED").split(",")]
        return checked_gateway(name, self._text(name), allowed)
