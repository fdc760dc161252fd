"""Plain HTTP to one origin, with everything of a request open to whoever asks."""

import http.client
import json
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from tests.kit.document import DOCUMENT


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, its header names in lower case, its body as it came."""

    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @cached_property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        assert self.status == 200, (self.status, self.text)
        assert self.json["success"] is True
        return self.json["data"]

    @property
    def refusal(self):
        """Status, code and the field that is to blame."""
        return self.status, self.json.get("code"), self.json.get("details", {}).get("field")


class Port:
    """Plain HTTP to one origin: path, header lines and body go out exactly as given. One connection per thread."""

    def __init__(self, origin):
        self._host = urlsplit(origin).netloc
        self._here = threading.local()
        self._all = []
        self.answers = []  # (path, answer)

    def send(self, method, path, body=b"", headers=()):
        connection = self._connection()
        named = any(name.lower() == "host" for name, _ in headers)
        connection.putrequest(method, path, skip_host=named, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method == "POST":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        with connection.getresponse() as response:
            content = response.read()
        self._here.used = time.monotonic()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, content)
        self.answers.append((path, answer))
        return answer

    def _connection(self):
        connection = getattr(self._here, "connection", None)
        if (
            connection is None or time.monotonic() - self._here.used > 2
        ):  # the server ends idle ones after five
            if connection is not None:
                connection.close()
            connection = self._here.connection = http.client.HTTPConnection(self._host, timeout=40)
            self._all.append(connection)
        return connection

    def close(self):
        for connection in self._all:
            connection.close()


class ApiPort(Port):
    """The API's port. An answer that docs/openapi.yaml does not know fails whoever asked."""

    def send(self, method, path, body=b"", headers=()):
        answer = super().send(method, path, body, headers)
        problem = DOCUMENT.problem(method, path, answer.status, answer.headers, answer.body)
        assert not problem, problem
        return answer
