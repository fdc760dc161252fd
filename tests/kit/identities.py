"""The keys and numbers of the published vectors: making new keys takes longer than most tests."""

import json

from tests.kit.parameters import ROOT

IDENTITIES = json.loads((ROOT / "tests/wechatpay/vectors/wechatpay-v3-vectors.json").read_text())[
    "identities"
]
WECHAT_PAY = IDENTITIES["wechatpay_public_key"]
