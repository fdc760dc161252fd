"""Numbers of a product's own metadata come back as they were written: in details, on the bus, and what a rule hands on."""

import json
from decimal import Decimal

METADATA = '{"price":1.10,"share":12345678901234567890.123,"count":123456789012345678901234567890,"rate":1.0}'


def test_metadata_comes_back_digit_by_digit(shop):
    body = '{"userId": "exact", "contentId": "c", "amount": "1.00", "subject": "A lamp", "metadata": %s}'
    number = shop.native(body % METADATA).data["outTradeNo"]
    details = json.loads(shop.read("payment", number).body, parse_float=Decimal)["data"]["metadata"]
    written = json.loads(METADATA, parse_float=Decimal)
    assert {name: str(details[name]) for name in written} == {name: str(written[name]) for name in written}

    (created,) = shop.events(number)
    assert f'"metadata":{METADATA}' in created["detail_text"]
    shown = shop.port.send("GET", "/_sandbox/events", headers=[("Host", "127.0.0.1")])
    assert f'"metadata":{METADATA}' in shown.text
