"""A page of WeChat's own, as plain as can be, and how its own browser is known."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

_LOOK = (
    "body{margin:2rem auto;max-width:24rem;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;text-align:center}"
    "button,#cancel{display:block;box-sizing:border-box;width:100%;margin-top:1rem;padding:.75rem;border:0;"
    "border-radius:.5rem;font:inherit}button{background:#067a43;color:#fff}#cancel{color:#555}"
)


def inside_wechat(request: Request) -> bool:
    """Whether the browser is WeChat's own, on whatever device."""
    return "MicroMessenger" in request.headers.get("user-agent", "")


def wechat_page(code: str, content: str) -> Response:
    """200, whatever it says, as WeChat does; `code` is for programs, "" when all is well. `content` is HTML."""
    return HTMLResponse(
        '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>微信</title><style>{_LOOK}</style></head>"
        f'<body data-code="{escape(code)}">{content}</body></html>',
        headers={"Cache-Control": "no-store"},
    )
