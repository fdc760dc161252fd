"""GET and POST /_sandbox/settings: what WeChat Pay does by itself, and what the merchant has registered there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wechatpay_simulator.clock import MAX_AHEAD_SECONDS
from wechatpay_simulator.controls.control_request import ControlError, members, told

_DOMAIN = re.compile(r"[0-9a-z]([0-9a-z.-]*[0-9a-z])?")


@dataclass(frozen=True)
class Setting:
    """The attribute `attribute` of `owner`; `must_be` is a sentence, `holds` its check."""

    owner: object
    attribute: str
    must_be: str
    holds: Callable[[Any], bool]

    @property
    def value(self) -> Any:
        """What it is now."""
        return getattr(self.owner, self.attribute)


def duration(owner: object, attribute: str, *, or_null: str | None = None) -> Setting:
    """A number of seconds; with `or_null` also null, which means that."""
    also = "" if or_null is None else f", or null: {or_null}"
    return Setting(
        owner,
        attribute,
        f"a number of seconds{also}",
        lambda value: _is_duration(value) or (value is None and or_null is not None),
    )


def flag(owner: object, attribute: str) -> Setting:
    """True or false."""
    return Setting(owner, attribute, "true or false", lambda value: isinstance(value, bool))


def choice(owner: object, attribute: str, *words: str) -> Setting:
    """One of these words."""
    return Setting(
        owner,
        attribute,
        f"one of {', '.join(words)}",
        lambda value: isinstance(value, str) and value in words,
    )


def domains(owner: object, attribute: str) -> Setting:
    """Names of hosts, without scheme and port."""
    return Setting(
        owner,
        attribute,
        "a list of domains in lower case, without scheme and port",
        lambda value: (
            isinstance(value, list)
            and all(isinstance(each, str) and _DOMAIN.fullmatch(each) for each in value)
        ),
    )


class SettingsControls:
    """Settings by the name that they have outside."""

    def __init__(self, **settings: Setting) -> None:
        self._settings = settings

    def routes(self) -> list[Route]:
        """One route per method."""
        return [
            Route("/_sandbox/settings", told(self.show), methods=["GET"]),
            Route("/_sandbox/settings", told(self.change), methods=["POST"]),
        ]

    async def show(self, _request: Request) -> Response:
        """What they are."""
        return JSONResponse({name: each.value for name, each in self._settings.items()})

    async def change(self, request: Request) -> Response:
        """Change the ones that are named, from now on, or none when one is wrong; answers with all."""
        body = await members(request, set(self._settings))
        for name, value in body.items():
            if not self._settings[name].holds(value):
                raise ControlError(f"{name} is {self._settings[name].must_be}.")
        for name, value in body.items():
            setting = self._settings[name]
            setattr(setting.owner, setting.attribute, tuple(value) if isinstance(value, list) else value)
        return await self.show(request)


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_AHEAD_SECONDS
