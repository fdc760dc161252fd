"""The crypto layer's wheel in an empty environment: README.md's snippets, in their order, against a simulator that runs."""

import json
import re
from pathlib import Path
from typing import Any

from tests.kit.parameters import ROOT
from tests.packages.installed import Installed

README = (ROOT / "layers/wechatpay/README.md").read_text(encoding="utf-8")
SETTINGS = """
import json, sys, urllib.request
gateway, file = sys.argv[1:]
known = json.load(open(file, encoding="utf-8"))
mchid, appid, api_v3_key = known["mchid"], known["appid"], known["apiV3Key"]
merchant_serial_no, merchant_private_key = known["merchantSerialNo"], known["merchantPrivateKey"]
wechat_public_key_id, wechat_public_key = known["wechatPublicKeyId"], known["wechatPublicKey"]
out_trade_no, notify_url = "T1217752501201407", "http://127.0.0.1:9/notify"

def control(name, body=None):
    data = None if body is None else json.dumps(body).encode()
    return json.load(urllib.request.urlopen(f"{gateway}/_sandbox/{name}", data, timeout=5))
"""
ENDING = """
paid = control("pay", {"codeUrl": code_url})
(sent,) = [one for one in control("notifications")["notifications"] if one["id"] == paid["notification_id"]]
kind, facts = notified(sent["headers"], sent["body"].encode())
forged, nothing = notified(sent["headers"], sent["body"].encode() + b" ")
print(json.dumps([answer.status_code, answer.json()["code"], code_url, kind, facts["amount"]["total"], forged, nothing]))
"""


def snippets() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_readmes_snippets_sign_verify_open_and_call(client: Installed, running: dict[str, Any]) -> None:
    assert len(snippets()) == 4
    program = "\n".join([SETTINGS, *snippets(), ENDING])
    told = client.run(client.python, "-c", program, running["url"], running["credentials"])
    status, code, code_url, kind, total, forged, nothing = json.loads(told)
    assert (status, code) == (404, "ORDER_NOT_EXIST")  # signed, as the second snippet has verified
    assert code_url.startswith("weixin://")
    assert (kind, total) == ("TRANSACTION.SUCCESS", 100)
    assert (forged, nothing) == ("the signature does not fit", None)


def test_it_is_installed_by_the_name_that_the_readme_says(client: Installed) -> None:
    assert f"```\npip install dist/{client.wheel.name}\n```" in README
    assert client.wheel.name.startswith("wechatpay_apiv3_client-")
    where = client.run(client.python, "-c", "import wechatpay; print(wechatpay.__file__)")
    assert Path(where.strip()).is_relative_to(client.home)
