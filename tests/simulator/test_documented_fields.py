"""Every field of a request, with its bounds: what the simulator checks is what WeChat Pay's documents have, line by line.

Lengths in bytes or, of a number, the least. `required` within its object. A pattern is what the document names as characters or values.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.simulator.merchant import Merchant

NUMBER = r"^[0-9a-zA-Z_\-|*]+$"
REFUND_NUMBER = r"^[0-9a-zA-Z_\-|*@]+$"
GOODS = r"^[0-9a-zA-Z_\-]+$"
URL = r"^https?://([^\s/?#\[\]\@]+\@)?([^\s/?#\@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$"

ORDER = f"""
appid string(32) required
mchid string(32) required
description string(127) required
out_trade_no string(6-32) required {NUMBER}
time_expire time
attach string(128)
notify_url string(255) required {URL}
goods_tag string(32)
support_fapiao boolean
amount object required
amount.total integer(1-) required
amount.currency currency
detail object(6144)
detail.cost_price integer(0-)
detail.invoice_id string(32)
detail.goods_detail array
detail.goods_detail[].merchant_goods_id string(32) required {GOODS}
detail.goods_detail[].wechatpay_goods_id string(32)
detail.goods_detail[].goods_name string(256)
detail.goods_detail[].quantity integer(1-) required
detail.goods_detail[].unit_price integer(0-) required
scene_info.payer_client_ip string(45) required
scene_info.device_id string(32)
scene_info.store_info object
scene_info.store_info.id string(32) required
scene_info.store_info.name string(256)
scene_info.store_info.area_code string(32)
scene_info.store_info.address string(512)
scene_info.h5_info.type string(32) required
scene_info.h5_info.app_name string(64)
scene_info.h5_info.app_url string(128)
scene_info.h5_info.bundle_id string(128)
scene_info.h5_info.package_name string(128)
settle_info object
settle_info.profit_sharing boolean
"""
OF_ANY = """
scene_info object
scene_info.h5_info object
"""
# In no document of these orders, but SDKs have them; taken, and nothing comes of them.
OF_SDKS = """
limit_pay array
"""
PAYER_OF_SDKS = """
payer.identity object
payer.identity.type string(32) required
payer.identity.number string(1024) required
payer.identity.name string(1024)
"""

DOCUMENTED = {
    "native": ORDER + OF_ANY + OF_SDKS,
    "app": ORDER + OF_ANY + OF_SDKS,
    "jsapi": ORDER
    + OF_ANY
    + OF_SDKS
    + PAYER_OF_SDKS
    + f"""
payer object required
payer.openid string(128) required {GOODS}
""",
    "h5": ORDER
    + OF_SDKS
    + """
scene_info object required
scene_info.h5_info object required
""",
    "query by out_trade_no": f"""
/out_trade_no string(6-32) required {NUMBER}
?mchid string(32) required
""",
    "query by transaction_id": """
/transaction_id string(32) required
?mchid string(32) required
""",
    "close": f"""
/out_trade_no string(6-32) required {NUMBER}
mchid string(32) required
""",
    "refund": f"""
transaction_id string(32)
out_trade_no string(6-32) {NUMBER}
out_refund_no string(64) required {REFUND_NUMBER}
reason string(80)
notify_url string(8-256) {URL}
funds_account string(32) ^(AVAILABLE|UNSETTLED)$
amount object required
amount.refund integer(1-) required
amount.total integer(1-) required
amount.currency currency required
amount.from array
amount.from[].account string(32) required ^(AVAILABLE|UNAVAILABLE)$
amount.from[].amount integer(1-) required
goods_detail array
goods_detail[].merchant_goods_id string(32) required {GOODS}
goods_detail[].wechatpay_goods_id string(32)
goods_detail[].goods_name string(256)
goods_detail[].unit_price integer(0-) required
goods_detail[].refund_amount integer(0-) required
goods_detail[].refund_quantity integer(1-) required
""",
    "refundQuery": f"""
/out_refund_no string(64) required {REFUND_NUMBER}
""",
    "abnormalRefund": f"""
/refund_id string(32) required
out_refund_no string(64) required {REFUND_NUMBER}
type string(32) required ^(USER_BANK_CARD|MERCHANT_BANK_CARD)$
bank_type string(16)
bank_account string(1024)
real_name string(1024)
""",
    "certificates": """
?algorithm_type string(32) ^(RSA|SM2|ALL)$
""",
    "tradeBill": """
?bill_date string(10) required ^[0-9]{4}-[0-9]{2}-[0-9]{2}$
?bill_type string(32) ^(ALL|SUCCESS|REFUND)$
?tar_type string(32) ^(GZIP)$
""",
    "fundFlowBill": """
?bill_date string(10) required ^[0-9]{4}-[0-9]{2}-[0-9]{2}$
?account_type string(32) ^(BASIC|OPERATION|FEES)$
?tar_type string(32) ^(GZIP)$
""",
    "billDownload": """
?token string(512) required
?tartype string(32)
""",
    "echo": f"""
echo_message string(1048576) required
encrypted_echo_message string(1048576)
notify_url string(256) {URL}
""",
}

TYPES = {"text": "string", "structure": "object", "items": "array", "moment": "time"}


def lines(members: dict[str, Any], above: str = "") -> Iterator[str]:
    """Each member as DOCUMENTED writes it, and those within it."""
    for name, rule in members.items():
        least, most = rule.get("minimum"), rule.get("maximum")
        bounds = {
            "text": f"({most})" if least == 1 else f"({least}-{most})",
            "integer": f"({least}-)",
        }.get(rule["type"], f"({most})" if most else "")
        words = [above + name, TYPES.get(rule["type"], rule["type"]) + bounds]
        words += ["required"] if rule["required"] else []
        words += [rule["pattern"]] if rule.get("pattern") else []
        yield " ".join(words)
        if rule["type"] == "structure":
            yield from lines(rule["members"], f"{above}{name}.")
        if rule["type"] == "items" and rule["item"]["type"] == "structure":
            yield from lines(rule["item"]["members"], f"{above}{name}[].")


@pytest.fixture(scope="module")
def checked(shared_merchant: Merchant) -> dict[str, set[str]]:
    """By call, what the simulator says that it checks; that it does check so is tests/simulator/test_coverage.py's."""
    endpoints = shared_merchant.control("GET", "coverage").json["endpoints"]
    found = {}
    for each in endpoints:
        fields = each["fields"]
        name = each["name"] if each["name"] != "query" else f"query by {next(iter(fields['path']))}"
        found[name] = {*lines(fields["path"], "/"), *lines(fields["query"], "?"), *lines(fields["body"])}
    return found


def test_there_are_these_calls_and_no_others(checked: dict[str, set[str]]) -> None:
    assert checked.keys() == DOCUMENTED.keys()


def test_each_call_has_the_documented_fields_and_no_others(checked: dict[str, set[str]]) -> None:
    for call, text in DOCUMENTED.items():
        assert checked[call] == set(text.split("\n")) - {""}, call
