"""A checkout: one thing to be paid on any device, the attempts made at it, and which of them is open."""

from dataclasses import dataclass, field

from payments.core import identifiers

NATIVE, JSAPI, H5 = "native", "jsapi", "h5"
KINDS = (NATIVE, JSAPI, H5)


@dataclass(frozen=True)
class Device:
    """Where somebody wants to pay: the kind of device, and who is there as far as that kind of order depends on it."""

    kind: str  # native | jsapi | h5
    appid: str = ""  # the checkout's, once that is known
    openid: str | None = None  # of jsapi; None until it is known
    client_address: str | None = None  # of h5: WeChat Pay checks it
    h5_type: str = "Wap"  # of h5: iOS, Android or Wap, which makes no other device
    visit: str | None = None  # of jsapi: under which key the checkout keeps who is there


@dataclass(frozen=True)
class Hold:
    """Which order of a checkout was opened last, and for what device. The openid itself is in its payment."""

    out_trade_no: str
    kind: str
    appid: str
    openid_hash: str | None = None
    client_address: str | None = None

    @classmethod
    def of(cls, device: Device, out_trade_no: str) -> "Hold":
        """What `device` holds with this order."""
        openid, address = device.openid, device.client_address
        return cls(
            out_trade_no,
            device.kind,
            device.appid,
            identifiers.openid_hash(device.appid, openid) if openid is not None else None,
            address if device.kind == H5 else None,
        )

    def is_for(self, device: Device) -> bool:
        """Whether that device, with the buyer who is there, may go on with this order."""
        if device.kind == JSAPI and device.openid is None:
            return False
        return self == Hold.of(device, self.out_trade_no)


@dataclass(frozen=True)
class Visit:
    """A browser within WeChat that is being asked, or has told, who its buyer is. `until` in epoch seconds."""

    at: int
    nonce_hash: str | None = None  # while its return is awaited
    until: int | None = None  # when that return comes too late
    openid: str | None = None
    appid: str | None = None


@dataclass(frozen=True)
class Checkout:
    """One checkout. Amount in fen, times in epoch seconds UTC; what is not there yet is None."""

    checkout_id: str
    user_id: str
    content_id: str
    appid: str
    amount: int
    currency: str
    subject: str
    asked: str  # the members of the order as they were asked for, JSON text
    fingerprint: str
    created_at: int
    expires_at: int
    return_url: str | None = None
    attempt: int = 0  # how many orders have been begun; the last of them is `current`
    attempted_at: int | None = None
    current: Hold | None = None
    paid_by: str | None = None  # the out_trade_no that was paid first
    frozen: bool = False  # paid by another order than `current`
    visits: dict[str, Visit] = field(default_factory=dict)
