"""The pictures of docs/pictures, from the real pages of a sandbox: `make pictures`.

The order is the same each time: from run to run only the code differs, and a second of the countdown.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from sandbox.stack import Sandbox
from tests.browser.chromium import launched

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
LARGEST_BYTES = 200_000
WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
    " MicroMessenger/8.0.47"
)
ORDER = {"contentId": "ink", "amount": "99.99"}
LANGUAGES = {
    "en": ("Ink & Strings", "Ink painting for beginners"),
    "zh-CN": ("墨弦", "水墨画入门"),
}
"""By the browser's language: the merchant, and what is bought."""


@dataclass(frozen=True)
class Window:
    """How large a page is shown, and where: in a browser on a desk, or in WeChat on a phone."""

    name: str
    route: str
    state: str
    width: int
    height: int
    scale: float
    agent: str | None = None


WINDOWS = (
    Window("desktop", "native", "scan", 900, 790, 1.5),
    Window("phone", "jsapi", "cashier", 390, 740, 1.5, WECHAT),
)


def main() -> int:
    """Make each picture anew. Returns the exit status: 1 when one is larger than a page should load."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = []
    for language, (merchant, subject) in LANGUAGES.items():
        with (
            Sandbox(parameters={"MerchantName": merchant}, schedules=False) as sandbox,
            launched("--hide-scrollbars", "--force-color-profile=srgb") as browser,
        ):
            made += [_picture(sandbox, browser, window, language, subject) for window in WINDOWS]
    for path in made:
        print(f"{path.relative_to(FOLDER.parents[1])}  {path.stat().st_size:,} bytes")
    if too_large := [path.name for path in made if path.stat().st_size > LARGEST_BYTES]:
        print(f"pictures: larger than {LARGEST_BYTES:,} bytes: {', '.join(too_large)}", file=sys.stderr)
        return 1
    return 0


def _picture(sandbox: Sandbox, browser: Any, window: Window, language: str, subject: str) -> Path:
    context = browser.new_context(
        viewport={"width": window.width, "height": window.height},
        device_scale_factor=window.scale,
        locale=language,
        color_scheme="light",
        reduced_motion="reduce",
        user_agent=window.agent,
    )
    page = context.new_page()
    page.goto(_checkout(sandbox, window, subject), wait_until="load")
    page.wait_for_selector(f'main[data-state="{window.state}"]', timeout=15_000)
    page.evaluate("document.fonts.ready")
    path = FOLDER / f"checkout-{window.name}{'' if language == 'en' else '.' + language}.png"
    page.screenshot(path=path)
    context.close()
    return path


def _checkout(sandbox: Sandbox, window: Window, subject: str) -> str:
    """Where an order of a trusted backend is paid."""
    body = ORDER | {"subject": subject} | ({"openid": "oBuyer-1"} if window.route == "jsapi" else {})
    answer = requests.post(
        f"{sandbox.api}/api/v1/payments/wechat/{window.route}",
        json=body,
        headers={
            "Authorization": f"Bearer {sandbox.tokens.token('shop', 'payments:charge')}",
            "Idempotency-Key": "picture-" + window.name,
        },
        timeout=60,
    )
    answer.raise_for_status()
    address: str = answer.json()["data"]["checkoutUrl"]
    return address


if __name__ == "__main__":
    sys.exit(main())
