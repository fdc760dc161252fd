"""The body of POST …/openid: a code that WeChat has given a page or a mini program, and whose it is."""

from collections.abc import Collection
from typing import Annotated

import msgspec

from payments.api.json_body import load
from payments.core.errors import ParameterError

# Longer than any so far (32 characters): how long they become is not documented.
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"^[!-~]+\Z")]


class WantedOpenid(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True):
    """Body of POST …/openid; `app` is one of the names in the parameter WeChatApps, the default app's unless given."""

    code: Code
    app: str | None = None

    def __repr__(self) -> str:
        """Without the code: whoever writes this down must not write that."""
        return f"WantedOpenid({self.app})"


def load_wanted(raw: bytes, *, apps: Collection[str]) -> WantedOpenid:
    """The body, all its rules checked; `apps` are the names that there are. Raises the errors of `load`, ParameterError."""
    wanted = load(raw, WantedOpenid)
    if wanted.app is not None and wanted.app not in apps:
        raise ParameterError("app", f"must be one of {', '.join(sorted(apps))}")
    return wanted
