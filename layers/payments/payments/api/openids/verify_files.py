"""The files by which WeChat sees that a domain is the merchant's: MP_verify_….txt, at the domain's root.

Source: WeChat, "Web authorization" (网页授权): the domain of the return address must serve the file that its console hands out.
"""

import re
from collections.abc import Iterable

from payments.core.errors import ConfigurationError

# So the console names and fills them: today's have 16 letters and digits, and hold the same.
_FILE = re.compile(r"(MP_verify_[0-9A-Za-z]{1,64}\.txt)=([0-9A-Za-z]{1,64})")


def files_of(pairs: Iterable[str]) -> dict[str, str]:
    """Each file's content by its name, from pairs like `MP_verify_abc.txt=abc`. Raises ConfigurationError."""
    files: dict[str, str] = {}
    for pair in pairs:
        read = _FILE.fullmatch(pair)
        if read is None:
            raise ConfigurationError(
                "WECHAT_VERIFY_FILES must be pairs like MP_verify_abc.txt=abc, of letters and digits"
            )
        name, content = read.groups()
        if files.setdefault(name, content) != content:
            raise ConfigurationError(f"WECHAT_VERIFY_FILES has {name} twice, with another content")
    return files
