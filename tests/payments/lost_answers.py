"""Writes whose first answer is lost on its way back: they have happened, and the real SDK sends them again."""

from contextlib import ExitStack
from typing import Any, Self

from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session
from pynamodb.models import Model

from tests.kit.aws_line import answered_by

READS = ("GetItem", "Query", "GetSecretValue")


def client_of(table: type[Model]) -> Any:
    """The botocore client under a pynamodb table."""
    return table._get_connection().connection.client


class LostAnswers:
    """A context manager; `repeated` are the operations that were sent a second time, in order."""

    def __init__(self, *clients: Any) -> None:
        self._clients, self._taken = clients, ExitStack()
        self._line = URLLib3Session(timeout=20, proxies={}, max_pool_connections=16)
        self._sent: set[str] = set()
        self.repeated: list[str] = []

    def __enter__(self) -> Self:
        self._taken.enter_context(answered_by(self._send, *self._clients))
        return self

    def __exit__(self, *_: object) -> None:
        self._taken.close()

    def _send(self, *, request: Any, event_name: str, **_: Any) -> Any:
        operation = event_name.rpartition(".")[2]
        answer = self._line.send(request)
        invocation = request.headers["amz-sdk-invocation-id"]
        if operation in READS:
            return answer
        if invocation in self._sent:  # the SDK's own repetition
            self.repeated.append(operation)
            return answer
        self._sent.add(invocation)
        assert answer.status_code in (200, 400), answer.text
        raise ReadTimeoutError(endpoint_url=request.url)
