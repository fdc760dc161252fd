"""Where a buyer's browser is, which WeChat Pay compares with whoever opens an h5_url: never as the buyer says."""

import hmac
import ipaddress

from payments.api.http import Request
from payments.core.errors import ConfigurationError, NotAllowedError, ParameterError
from payments.wiring import Wiring

VIEWER_HEADER = (
    "cloudfront-viewer-address"  # address:port (CloudFront Developer Guide, "Add CloudFront request headers")
)
ORIGIN_KEY_HEADER = "x-origin-key"
_FIELD = "clientIp"


def address_of(request: Request, wiring: Wiring) -> str:
    """The address of the browser that sends `request`, IPv4 or IPv6 in its shortest form.

    By ClientAddressFrom: `gateway` takes whoever holds the connection to API Gateway; `cloudfront` takes CloudFront's word,
    which only counts with the key that CloudFront alone sends along. Raises NotAllowedError for a request that came by
    another way, TryAgainError where its key may be right, ConfigurationError without a key to compare with.
    """
    source = wiring.settings.client_address_from
    if source == "gateway":
        return _known(request.source_ip)
    if source != "cloudfront":
        raise ConfigurationError("CLIENT_ADDRESS_FROM must be gateway or cloudfront")
    secret = wiring.secrets.verification
    keys = secret.value().origin_keys
    if not keys:
        raise ConfigurationError("CLOUDFRONT_ORIGIN_KEY is not in the verification secret, or too short")
    given = request.headers.get(ORIGIN_KEY_HEADER, "").encode()
    if not any(hmac.compare_digest(given, key.encode()) for key in keys):
        secret.require_current()
        raise _not_seen("did not come through the stack's CloudFront distribution")
    return _known(request.headers.get(VIEWER_HEADER, "").rpartition(":")[0].strip("[]"))


def checked(text: str) -> str:
    """The address that a backend names in `clientIp`, in its shortest form. Raises ParameterError."""
    address = _parsed(text)
    if address is None:
        raise ParameterError(_FIELD, "must be an IPv4 or IPv6 address")
    return address


def _known(text: str) -> str:
    address = _parsed(text)
    if address is None:
        raise _not_seen("is not known of this request")
    return address


def _parsed(text: str) -> str | None:
    """None for what is no address of a single host that somebody could come from."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address  # what it really is
    return None if address.is_unspecified or address.is_multicast else str(address)


def _not_seen(issue: str) -> NotAllowedError:
    return NotAllowedError(f"{_FIELD} {issue}.", details={"field": _FIELD, "issue": issue})
