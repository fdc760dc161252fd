"""What WeChat Pay looks at when a phone's browser opens an h5_url, and how it says no to the buyer."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from wechatpay_simulator.controls.control_request import NotPossibleError
from wechatpay_simulator.orders.h5_link import link_query
from wechatpay_simulator.orders.ledger import Ledger
from wechatpay_simulator.orders.order import Order

# What the page says (WeChat Pay, H5 payment: frequent questions), by the code of the control's refusal.
WORDS = {
    "H5_INSIDE_WECHAT": "请在微信外打开订单，进行支付",
    "H5_REFERER_MISSING": "商家参数格式有误，请联系商家解决",
    "H5_REFERER_FOREIGN": "商家存在未配置的参数，请联系商家解决",
    "H5_ADDRESS_DIFFERS": "网络环境未能通过安全验证，请稍后再试",
    "CODE_EXPIRED": "支付请求已失效，请重新发起支付",
}


@dataclass(frozen=True)
class Visit:
    """How a browser comes: its address, the page that it comes from ("" for none), and whether it is WeChat's own."""

    address: str
    referer: str
    inside_wechat: bool


class H5Checks:
    """`domains` are the ones that the merchant has registered for H5 payment; subdomains belong to them."""

    def __init__(self, ledger: Ledger) -> None:
        self.domains: tuple[str, ...] = ("127.0.0.1", "localhost")
        self._ledger = ledger

    def usual_visit(self, h5_url: str) -> Visit:
        """The visit that everything is right with. Raises NotPossibleError for an h5_url that nobody handed out."""
        order = self._ledger.by_credential(link_query(h5_url)[0])
        registered = self.domains[0] if self.domains else ""
        return Visit(order.client_ip or "", f"https://{registered}/", inside_wechat=False)

    def passed(self, h5_url: str, visit: Visit) -> Order:
        """The order, when it can be paid by whoever comes so. Raises NotPossibleError."""
        query, redirect_url = link_query(h5_url)
        order = self._ledger.by_credential(query)
        if visit.inside_wechat:
            raise _refused("H5_INSIDE_WECHAT", "an h5_url is for browsers outside WeChat")
        if not visit.referer:
            raise _refused("H5_REFERER_MISSING", "the browser did not say which page it comes from")
        if not self._registered(visit.referer):
            raise _refused("H5_REFERER_FOREIGN", "the page that leads here is on no registered domain")
        if redirect_url is not None and not self._registered(redirect_url):
            raise _refused("H5_REFERER_FOREIGN", "redirect_url is on no registered domain")
        if _address(visit.address) != _address(order.client_ip or ""):
            raise _refused("H5_ADDRESS_DIFFERS", "the order's payer_client_ip is another address")
        return self._ledger.payable(query)

    def _registered(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        host = parts.hostname or ""
        return parts.scheme in ("http", "https") and any(
            host == domain or host.endswith("." + domain) for domain in self.domains
        )


def _refused(code: str, why: str) -> NotPossibleError:
    return NotPossibleError(403, code, f"WeChat says {WORDS[code]}: {why}.")


def _address(text: str) -> object:
    """An IPv4 address that is written as an IPv6 one is the same address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return getattr(address, "ipv4_mapped", None) or address
