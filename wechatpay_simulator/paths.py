"""Which part of the simulator a request is for, by its path."""

from starlette.types import ASGIApp, Receive, Scope, Send

from wechatpay_simulator.orders.h5_link import PATH as H5_PATH


class Paths:
    """An ASGI application: the controls under /_sandbox/, the page of an h5_url, WeChat Pay everywhere else."""

    def __init__(self, controls: ASGIApp, h5_page: ASGIApp, gateway: ASGIApp) -> None:
        self._controls = controls
        self._h5_page = h5_page
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the simulator speaks HTTP, not {scope['type']}")
        path = scope["path"]
        if path.startswith("/_sandbox/"):
            app = self._controls
        else:
            app = self._h5_page if path == H5_PATH else self._gateway
        await app(scope, receive, send)
