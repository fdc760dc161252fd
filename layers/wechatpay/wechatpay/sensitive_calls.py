"""Calls to WeChat Pay with members that only its key may read.

Source: WeChat Pay APIv3, "Testing signatures and encryption" and "Abnormal refund".
"""

import json
from dataclasses import dataclass, field
from urllib.parse import quote

from wechatpay.client import Client
from wechatpay.errors import KeyFormatError, UnknownOutcomeError
from wechatpay.sensitive import decrypt_sensitive, encrypt_sensitive

TO_BUYER, TO_MERCHANT = "USER_BANK_CARD", "MERCHANT_BANK_CARD"


@dataclass(frozen=True)
class BankCard:
    """The buyer's debit card: the bank in WeChat Pay's code (`ICBC_DEBIT`), its number, and the name of its holder."""

    bank_type: str
    bank_account: str = field(repr=False)
    real_name: str = field(repr=False)


def echo(client: Client, message: str, *, serial: str, notify_url: str | None = None) -> None:
    """Have WeChat Pay say `message` again, plainly and encrypted, here and in a notification to `notify_url`.

    No money is in it. `message` is ASCII of at most 200 characters; `serial` names the key of WeChat Pay's that it is
    encrypted for. Returning means that both signatures fit, that WeChat Pay could read what was encrypted for it, and the
    merchant what was encrypted in return; the notification is still to come. Raises what every operation of `Client` does;
    KeyFormatError when no such key is known; DecryptionError when the answer was encrypted for another certificate than
    the merchant's.
    """
    members = {"echo_message": message, "encrypted_echo_message": _sealed(client, message, serial)}
    if notify_url is not None:
        members["notify_url"] = notify_url
    answer = client.request("echo", "POST", "/v3/security/echo", _json(members), serial)
    sealed = answer.members.get("encrypted_echo_message")
    if answer.members.get("echo_message") != message or not isinstance(sealed, str):
        raise UnknownOutcomeError(
            "the answer is no echo", http_status=answer.status, request_id=answer.request_id
        )
    if decrypt_sensitive(sealed, client.signer().private_key) != message:
        raise UnknownOutcomeError(
            "the encrypted answer is no echo", http_status=answer.status, request_id=answer.request_id
        )


def apply_abnormal_refund(
    client: Client, refund_id: str, *, out_refund_no: str, card: BankCard | None, serial: str
) -> dict[str, object]:
    """Send a refund that is ABNORMAL on: to a bank card of the buyer's, or without one to the merchant's own account.

    `serial` names the key of WeChat Pay's that the card is encrypted for. WeChat Pay takes it only while the refund is
    ABNORMAL, so a repetition moves no money twice. Returns the refund object, whose `status` is mostly PROCESSING again.
    Raises what every operation of `Client` does; KeyFormatError when no such key is known.
    """
    members = {"out_refund_no": out_refund_no, "type": TO_MERCHANT if card is None else TO_BUYER}
    if card is not None:
        members |= {
            "bank_type": card.bank_type,
            "bank_account": _sealed(client, card.bank_account, serial),
            "real_name": _sealed(client, card.real_name, serial),
        }
    path = f"/v3/refund/domestic/refunds/{quote(refund_id, safe='')}/apply-abnormal-refund"
    return client.request("abnormal_refund", "POST", path, _json(members), serial).members


def _sealed(client: Client, text: str, serial: str) -> str:
    key = client.keys.find(serial)
    if key is None:
        raise KeyFormatError("no verification key with this serial")
    return encrypt_sensitive(text, key)


def _json(members: dict[str, str]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
