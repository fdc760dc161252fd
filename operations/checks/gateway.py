"""Whether WeChat Pay takes our signature and we theirs, our clock agrees, and the APIv3 key is theirs: two signed calls tell."""

import secrets
import time
from email.utils import parsedate_to_datetime

import requests

from operations.checks.findings import Finding, Findings, fault, good, unchecked, unproven, warning
from operations.configuration import SECRETS, Configuration
from payments.storage.secret_members import signer as signer_of
from wechatpay import transport
from wechatpay.client import Client
from wechatpay.decryption import apiv3_key
from wechatpay.errors import DecryptionError, KeyFormatError, RefusedError, UnknownOutcomeError
from wechatpay.keys import KeyRing
from wechatpay.signing import MerchantSigner

_APIV3_KEY = "WECHAT_API_V3_KEY"
DRIFT_TOLD, DRIFT_REFUSED = 60, 300  # seconds between two clocks
_CLOCK = "set this machine's clock by NTP; Lambda's is right by itself"
_REFUSALS = {
    "SIGN_ERROR": (
        "does not take our signature",
        "WECHAT_PRIVATE_KEY, WECHAT_CERT_SERIAL_NO and WECHAT_MCH_ID must be of one merchant certificate",
    ),
    "NO_AUTH": (
        "says that this merchant may not do this",
        "have the product Native or JSAPI payment enabled at pay.weixin.qq.com, Product centre",
    ),
    "MCH_NOT_EXISTS": ("does not know this merchant number", "check WECHAT_MCH_ID"),
    "APPID_MCHID_NOT_MATCH": (
        "says that appid and merchant number are not bound",
        "bind the appid at pay.weixin.qq.com, Product centre, AppID management",
    ),
}
_UNPROVEN = {
    "serial_unknown": (
        "signs with a key that is not in the configuration",
        "check WECHAT_PUBLIC_KEY_ID, or add the platform certificate that it signs with",
    ),
    "signature": (
        "answers with a signature that the configured key does not verify",
        "WECHAT_PUBLIC_KEY is another one's: download it again, with its id",
    ),
}


def check_gateway(configuration: Configuration) -> Findings:
    """Ask WeChat Pay for an order that nobody has: its "no such order" proves both signatures, number and clock."""
    ring, signer = keys_and_signer(configuration)
    if ring is None or signer is None:
        yield unchecked("a signed call was not tried, for its keys cannot be read", "mend the keys first")
        return
    answers: list[requests.Response] = []
    client = recording_client(configuration, ring, signer, answers)
    try:
        client.query_by_out_trade_no(f"WXDOCTOR{secrets.token_hex(10).upper()}")
    except RefusedError as refused:
        yield from _clock(answers[-1])
        yield from refused_call(refused)
    except UnknownOutcomeError as unknown:
        yield from unknown_call(unknown, answers)
    else:
        yield warning("WeChat Pay knows an order that nobody made", "ask WeChat Pay's support")


def check_apiv3_key(configuration: Configuration, *, deployed: bool) -> Findings:
    """Open what WeChat Pay has encrypted with the APIv3 key as it knows it: platform certificates, where the merchant has any.

    Of a deployed stack an echo proves the same, so nothing is said of what this cannot prove.
    """
    ring, signer = keys_and_signer(configuration)
    if ring is None or signer is None:
        return  # said already
    client = recording_client(configuration, ring, signer, [])
    for name in (_APIV3_KEY, f"{_APIV3_KEY}_PREVIOUS"):
        if not configuration.text(name):
            continue
        try:
            client.certificates([apiv3_key(configuration.text(name))])
        except DecryptionError:
            continue
        except (RefusedError, UnknownOutcomeError, KeyFormatError):
            if not deployed:
                yield _unproven_apiv3_key()
            return
        if name == _APIV3_KEY:
            yield good(f"{name} opens what WeChat Pay encrypts")
        else:
            yield warning(
                f"{name} opens what WeChat Pay encrypts, and {_APIV3_KEY} does not",
                f"right until {_APIV3_KEY} is set at pay.weixin.qq.com too (docs/keys.md)",
            )
        return
    yield fault(
        f"{_APIV3_KEY} does not open what WeChat Pay encrypts: it is not the one that is set there",
        "set it anew at pay.weixin.qq.com, API security, APIv3 key: it is shown nowhere; then give the same here",
    )


def _unproven_apiv3_key() -> Finding:
    return unproven(
        f"{_APIV3_KEY} has the right form, and WeChat Pay has no platform certificate that would prove it",
        "once deployed, an echo does: make doctor ENV=…",
    )


def recording_client(
    configuration: Configuration, ring: KeyRing, signer: MerchantSigner, answers: list[requests.Response]
) -> Client:
    """The merchant's client of the gateway, by this machine's clock; each answer is added to `answers`."""
    session = transport.session()
    session.hooks["response"].append(lambda response, *_, **__: answers.append(response))
    return Client(
        signer=lambda: signer,
        keys=ring,
        gateways=[configuration.text("WECHAT_GATEWAY")],
        clock=time.time,
        nonce=lambda: secrets.token_hex(16),
        session=session,
    )


def keys_and_signer(configuration: Configuration) -> tuple[KeyRing | None, MerchantSigner | None]:
    """WeChat Pay's keys and the merchant's signer; neither when one cannot be read."""
    try:
        ring = KeyRing.of(
            public_key_id=configuration.text("WECHAT_PUBLIC_KEY_ID") or None,
            public_key=configuration.text("WECHAT_PUBLIC_KEY") or None,
            platform_certificates=configuration.platform_certificates,
        )
        members = configuration.members(SECRETS["SigningSecretArn"])
        return ring, signer_of(members, mchid=configuration.text("WECHAT_MCH_ID"))
    except KeyFormatError:
        return None, None


def _clock(answer: requests.Response) -> Findings:
    stated = answer.headers.get("Wechatpay-Timestamp", "")
    try:
        # The Date header is to the second and may be a cache's; the signed timestamp is WeChat Pay's own.
        theirs = int(stated) if stated else parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        yield unchecked("WeChat Pay's answer does not say what time it is", _CLOCK)
        return
    drift = abs(time.time() - theirs)
    if drift >= DRIFT_REFUSED:
        yield fault(f"this clock is {drift:.0f} seconds from WeChat Pay's: it refuses us, and we it", _CLOCK)
    elif drift >= DRIFT_TOLD:
        yield warning(f"this clock is {drift:.0f} seconds from WeChat Pay's; at 300 nothing works", _CLOCK)
    else:
        yield good("this clock agrees with WeChat Pay's")


def refused_call(refused: RefusedError) -> Findings:
    """What a refusal of a signed call says; "no such order" is as it should be."""
    if refused.is_code("ORDER_NOT_EXIST"):
        yield good("WeChat Pay takes our signature: key, serial number and merchant number belong together")
        if refused.proven:
            yield good("WeChat Pay's answer is signed by a key of the configuration")
        else:
            yield unchecked("WeChat Pay did not sign its answer", "pay an order of 0.01 and look at it")
        return
    if refused.is_code("SIGN_ERROR") and "timestamp" in refused.message:
        yield fault("WeChat Pay finds our clock more than 300 seconds wrong", _CLOCK)
        return
    for code, (what, fix) in _REFUSALS.items():
        if refused.is_code(code):
            yield fault(f"WeChat Pay {what} ({refused.code})", fix)
            return
    yield fault(
        f"WeChat Pay refuses a signed call: HTTP {refused.http_status} {refused.code}",
        f"look the code up; WeChat Pay's support finds it by Request-ID {refused.request_id}",
    )


def unknown_call(unknown: UnknownOutcomeError, answers: list[requests.Response]) -> Findings:
    """What a call without a usable answer says."""
    if not answers:
        yield unchecked(
            f"the gateway cannot be reached from here ({unknown.reason})",
            "check network and proxy of this machine, or leave it with --offline",
        )
        return
    yield from _clock(answers[-1])
    reason = unknown.reason.removeprefix("answer not proven: ")
    if reason in _UNPROVEN:
        what, fix = _UNPROVEN[reason]
        yield fault(f"WeChat Pay {what}", fix)
    elif reason == "header_missing" and unknown.http_status == 200:
        yield fault(
            "whoever answers at the gateway is not WeChat Pay: it signs nothing", "check WECHAT_GATEWAY"
        )
    elif reason != "timestamp":  # said by the clock
        yield unchecked(f"WeChat Pay gave no usable answer ({unknown.reason})", "try again in a minute")
