"""How many days each key is still good for, as metrics, so that somebody is told in time."""

from collections.abc import Iterable

from payments.logs import logger
from payments.wiring import Wiring
from wechatpay.certificates import Certificate
from wechatpay.errors import KeyFormatError


def measure_key_days(platform: Iterable[str], wiring: Wiring) -> None:
    """Measure KeyDaysLeft of the merchant's certificate and of these platform certificates (PEM), and KeyDaysLeftMin.

    The latter is the least of what somebody must see to: of the platform certificates only the one that ends last, and
    none of them beside the WeChat Pay public key, which has no end.
    """
    now, urgent = wiring.now(), []
    certificates = {certificate.serial: certificate for certificate in map(Certificate.of, platform)}
    for serial, certificate in certificates.items():
        wiring.measure({"KeyDaysLeft": certificate.days_left(now)}, key=f"platform certificate {serial[-8:]}")
    if certificates and wiring.secrets.verification.value().ring.preferred is None:
        urgent.append(max(certificate.days_left(now) for certificate in certificates.values()))
    merchants = _merchants(wiring)
    if merchants is not None:
        wiring.measure({"KeyDaysLeft": merchants.days_left(now)}, key="merchant certificate")
        urgent.append(merchants.days_left(now))
    if urgent:
        wiring.measure({"KeyDaysLeftMin": min(urgent)})


def _merchants(wiring: Wiring) -> Certificate | None:
    """The merchant's API certificate; None when the signing secret does not hold that of the key in use."""
    held = wiring.secrets.merchant_certificate.value()
    if held is None:
        logger.warning(
            "WECHAT_CERTIFICATE is not in the signing secret: when the merchant's key ends is not known"
        )
        return None
    text, serial = held
    try:
        certificate = Certificate.of(text)
    except KeyFormatError:
        logger.error("WECHAT_CERTIFICATE in the signing secret is not a PEM certificate")
        return None
    if certificate.serial != serial:
        logger.error(
            "WECHAT_CERTIFICATE in the signing secret is not the certificate of WECHAT_CERT_SERIAL_NO"
        )
        return None
    return certificate
