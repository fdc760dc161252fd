"""What is wrong with the form of an Authorization header, in words."""

import re

from wechatpay_simulator.protocol.signing import SCHEME

_FIELDS = ("mchid", "nonce_str", "signature", "timestamp", "serial_no")
_FIELD = re.compile(r'([A-Za-z_]+)="([^"]*)"')


def mistake_of_form(header: str) -> str:
    """The sentence for a header that cannot be read as the five fields."""
    scheme, _, text = header.strip().partition(" ")
    if not scheme:
        return "there is no Authorization header"
    if scheme != SCHEME:
        return f"the scheme of Authorization is not {SCHEME}"
    found = _FIELD.findall(text)
    names = [name for name, _ in found]
    if absent := [name for name in _FIELDS if name not in names]:
        return f'Authorization has no {", no ".join(absent)}, written as name="value"'
    if twice := [name for name in _FIELDS if names.count(name) > 1]:
        return f"Authorization has {twice[0]} more than once"
    if empty := [name for name, value in found if not value]:
        return f"{empty[0] if empty[0] in _FIELDS else 'a field'} of Authorization is empty"
    if len(names) > len(_FIELDS):
        return f"Authorization has other fields than {', '.join(_FIELDS)}"
    if not re.fullmatch(r"[0-9]{1,15}", dict(found)["timestamp"]):
        return "the timestamp is not a number of seconds"
    return 'Authorization is not five times name="value" with commas between'
