"""The line between our functions and WeChat Pay."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.stack import NOTIFY_PATH
from tests.http.port import Answer, Port

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}


@dataclass(frozen=True)
class Exchange:
    """One request that passed the wire, and its answer."""

    method: str
    path: str
    body: bytes
    answer: Answer
    authorization: str = ""

    @property
    def is_outbound(self):
        """Whether one of our functions asked WeChat Pay: the rest are notifications, which come when they like."""
        return self.path.startswith("/v3/")

    def is_about(self, out_trade_no):
        """Whether one of our functions asked WeChat Pay about this order."""
        return self.is_outbound and (out_trade_no in self.path or out_trade_no.encode() in self.body)


class Wire:
    """The line between our functions and WeChat Pay, both ways: it counts what passes, and can lose notifications."""

    def __init__(self):
        self.exchanges = []
        self.wechat = self.api = ""
        self.deaf = self.down = False
        self.lost = set()  # ids of notifications
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536
            disable_nagle_algorithm = True

            def do_GET(self):
                self.pass_on()

            def do_POST(self):
                self.pass_on()

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                answer = wire.carry(self.command, self.path, body, self.headers.items())
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    if name not in HOP_BY_HOP:
                        self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def carry(self, method, path, body, headers):
        inwards = path.startswith(NOTIFY_PATH)
        if inwards and self.loses(body):
            return Answer(500, {}, b"")
        kept = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        if self.down and not inwards:
            answer = Answer(502, {"content-type": "text/html"}, b"<html>Bad Gateway</html>")
        else:
            port = Port(self.api if inwards else self.wechat)
            try:
                answer = port.send(method, path, body, kept)
            finally:
                port.close()
        authorization = next((value for name, value in kept if name.lower() == "authorization"), "")
        self.exchanges.append(Exchange(method, path, body, answer, authorization))
        return answer

    def loses(self, body):
        """Whether a notification is lost: what is lost once is lost each time, or it came in the middle of another test."""
        notification = json.loads(body)["id"]
        if self.deaf:
            self.lost.add(notification)
        return notification in self.lost

    def about(self, out_trade_no):
        """What our functions asked WeChat Pay about one order, in order."""
        return [exchange for exchange in self.exchanges if exchange.is_about(out_trade_no)]

    @contextmanager
    def wechat_pay_down(self):
        """WeChat Pay answers 502 and hears nothing."""
        self.down = True
        try:
            yield
        finally:
            self.down = False

    @contextmanager
    def notifications_lost(self):
        """WeChat Pay's notifications of meanwhile do not reach us, however often it tries."""
        self.deaf = True
        try:
            yield
        finally:
            self.deaf = False

    def close(self):
        self._server.shutdown()
        self._server.server_close()
