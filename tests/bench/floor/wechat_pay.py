"""WeChat Pay over HTTP: requests and cryptography, one session."""

import base64
import json
import os
import secrets
import time
from functools import cache

import requests
from aws import secret
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from verification import verify

_session = requests.Session()
_session.trust_env = False


@cache
def _key():
    pem = secret("SIGNING_SECRET")["WECHAT_PRIVATE_KEY"].encode()
    return load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)


def sign(*lines):
    """The signature over these lines."""
    text = "".join(f"{line}\n" for line in lines).encode()
    return base64.b64encode(_key().sign(text, PKCS1v15(), SHA256())).decode()


def call(method, path, members=None):
    """WeChat Pay's verified answer: status and members."""
    body = json.dumps(members, ensure_ascii=False) if members is not None else ""
    timestamp, nonce = int(time.time()), secrets.token_hex(16)
    serial, mchid = secret("SIGNING_SECRET")["WECHAT_CERT_SERIAL_NO"], os.environ["WECHAT_MCH_ID"]
    authorization = (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
        f'serial_no="{serial}",signature="{sign(method, path, timestamp, nonce, body)}"'
    )
    answer = _session.request(
        method,
        os.environ["WECHAT_GATEWAY"] + path,
        data=body.encode(),
        headers={
            "Authorization": authorization,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "floor",
            "Wechatpay-Serial": secret("VERIFICATION_SECRET")["WECHAT_PUBLIC_KEY_ID"],
        },
        timeout=(2, 5),
    )
    verify(answer.headers, answer.content)
    return answer.status_code, json.loads(answer.content or b"{}")
