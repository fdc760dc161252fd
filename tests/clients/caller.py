"""One of our clients in a program of its own: what it is to call goes in as JSON, what came of each call comes out."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any


class Caller:
    """`command` reads {"baseUrl", "retryFor"?, "timeout"?, "calls": [{"name", "input", "token"?, "key"?}]} and prints a list."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = command, environment

    def calls(self, base_url: str, *calls: Mapping[str, Any], **options: Any) -> list[dict[str, Any]]:
        """Of each call {"answer"}, or {"refusal": {code, status, details, retryAfter, key, outcomeUnknown, …}}."""
        done = subprocess.run(
            self._command,
            input=json.dumps({"baseUrl": base_url, "calls": calls, **options}),
            env={**os.environ, "NO_PROXY": "127.0.0.1", **self._environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 0, done.stderr
        told: list[dict[str, Any]] = json.loads(done.stdout)
        return told

    def verified(self, body: str, headers: Mapping[str, str], secret: str) -> dict[str, Any]:
        """{"answer": event}, or {"refusal": sentence}."""
        (told,) = self.calls("", {"verify": {"body": body, "headers": headers, "secret": secret}})
        return told
