"""GET /v3/certificates: the platform certificates of the moment, encrypted for this merchant."""

import re
from typing import Any

from cryptography import x509

from wechatpay_simulator.clock import rfc3339
from wechatpay_simulator.protocol.call import Answer, Call, Endpoint, Fields
from wechatpay_simulator.protocol.fields import Text, extra
from wechatpay_simulator.protocol.keys import Keys, PlatformCertificate
from wechatpay_simulator.protocol.merchant_keys import MerchantKeys
from wechatpay_simulator.protocol.refusals import no_certificate, parameter_error
from wechatpay_simulator.protocol.signing import encrypted

_ALGORITHMS = ("RSA", "SM2", "ALL")
_ALGORITHM_TYPE = Text("算法类型", 32, pattern=rf"^({'|'.join(_ALGORITHMS)})$", required=False)
_FIELDS = Fields(query={"algorithm_type": _ALGORITHM_TYPE})


class Certificates:
    """Answers out of `keys`, for the merchant whose APIv3 key `merchant_keys` holds."""

    def __init__(self, keys: Keys, merchant_keys: MerchantKeys) -> None:
        self._keys = keys
        self._merchant_keys = merchant_keys

    def endpoints(self) -> list[Endpoint]:
        """What the gateway routes here."""
        return [Endpoint("certificates", "GET", re.compile("/v3/certificates"), self.download, _FIELDS)]

    def download(self, call: Call) -> Answer:
        """WeChat Pay APIv3, Downloading platform certificates: every one that is valid, the older first.

        A merchant who only has the public key gets 404 RESOURCE_NOT_EXISTS; so does one who asks for SM2 alone.
        """
        algorithm = _algorithm(call)
        certificates = self._keys.certificates()
        if not certificates or algorithm == "SM2":
            raise no_certificate()
        return Answer({"data": [self._entry(each) for each in certificates]})

    def _entry(self, certificate: PlatformCertificate) -> dict[str, Any]:
        parsed = x509.load_pem_x509_certificate(certificate.pem.encode())
        return {
            "serial_no": certificate.serial_no,
            "effective_time": rfc3339(parsed.not_valid_before_utc.timestamp()),
            "expire_time": rfc3339(parsed.not_valid_after_utc.timestamp()),
            "encrypt_certificate": encrypted(
                certificate.pem.encode(),
                associated_data="certificate",
                api_v3_key=self._merchant_keys.api_v3_key,
            ),
        }


def _algorithm(call: Call) -> str:
    """`algorithm_type`, RSA when it is not there; nothing else may be in the query string."""
    found: list[str] = []
    for name, value in call.query:
        if name not in call.fields.query or found:
            raise extra(name, "query")
        found.append(value)
    if found and found[0] not in _ALGORITHMS:
        raise parameter_error(
            f"输入源“/query/algorithm_type”映射到字段“{_ALGORITHM_TYPE.title}”枚举规则校验失败，可选值：{'、'.join(_ALGORITHMS)}",
            pointer="algorithm_type",
            issue="not one of the algorithms",
            value=found[0],
            location="query",
        )
    return found[0] if found else "RSA"
