"""Three times a day: new platform certificates are stored before the old ones end, and the days left of every key are measured."""

from typing import Any

from payments.logs import logger
from payments.use_cases.key_days import measure_key_days
from payments.wiring import Wiring
from wechatpay.certificates import Certificate, check_platform
from wechatpay.errors import CertificateError, RefusedError

RENEWAL_BUDGET_SECONDS = 20

wiring = Wiring(ahead=("secrets.verification",))


def lambda_handler(_event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Download, store, tell; what went wrong is raised last, so that Lambda comes again and somebody is alarmed."""
    wiring.begin(RENEWAL_BUDGET_SECONDS)
    stored = wiring.secrets.downloaded.value().platform_certificates
    try:
        stored = renew_certificates()
    finally:
        measure_key_days([*wiring.secrets.verification.value().platform_certificates, *stored], wiring)
    return {"stored": len(stored)}


def renew_certificates() -> tuple[str, ...]:
    """Download WeChat Pay's platform certificates and store the trusted ones; returns all that are stored then, in PEM."""
    verification = wiring.secrets.verification.value()
    if not verification.platform_certificates:
        return ()  # a merchant with the public key: there is nothing to download, and nobody to believe
    try:
        offered = wiring.wechat.certificates(verification.apiv3_keys)
    except RefusedError as refused:
        if not refused.is_code("RESOURCE_NOT_EXISTS"):
            raise
        logger.info("WeChat Pay has no platform certificates for this merchant any more")
        offered = {}
    fresh = [certificate for text in offered.values() if (certificate := trusted_or_none(text))]
    kept = wiring.certificates.update(lambda held: merge(held, fresh))
    logger.info("platform certificates", extra={"offered": len(offered), "kept": len(kept)})
    return kept


def trusted_or_none(text: str) -> Certificate | None:
    """The certificate of this PEM text; None, logged and counted, where `check_platform` refuses it."""
    certificate = Certificate.of(text)
    try:
        check_platform(certificate, now=wiring.now())
    except CertificateError as problem:
        logger.error(
            "a platform certificate is refused", extra={"serial": certificate.serial, "reason": str(problem)}
        )
        wiring.count("PlatformCertificateRefused")
        return None
    return certificate


def merge(held: tuple[str, ...], fresh: list[Certificate]) -> tuple[str, ...]:
    """The PEM texts of both, each serial once, without those that have ended: WeChat Pay signs with either for months."""
    known = {certificate.serial: certificate for certificate in [*map(Certificate.of, held), *fresh]}
    lasting = [certificate for certificate in known.values() if certificate.ends > wiring.now()]
    return tuple(certificate.text for certificate in sorted(lasting, key=lambda one: (one.ends, one.serial)))
