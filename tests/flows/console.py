"""What people do while a key changes: in WeChat Pay's console, and with our secrets."""

import json
from typing import Any

CACHED = 5  # minutes that a function keeps a secret


def advance(shop: Any, seconds: float) -> None:
    """Let time pass, for refunds and notifications that wait, too."""
    answer = shop.control("clock", {"advance": seconds})
    assert answer.status_code == 200, answer.text


class Console:
    """WeChat Pay's console, and whoever may write the stack's secrets."""

    def __init__(self, shop: Any) -> None:
        self.shop, self.sandbox = shop, shop.sandbox
        self._client = self.sandbox.aws.client("secretsmanager")

    def wechat(self, **change: Any) -> None:
        answer = self.shop.control("keys", change)
        assert answer.status_code == 200, answer.text

    def secret(self, name: str) -> dict[str, Any]:
        try:
            found = self._client.get_secret_value(SecretId=self.sandbox.deployed.refs[name])
        except self._client.exceptions.ResourceNotFoundException:
            return {}
        members: dict[str, Any] = json.loads(found["SecretString"])
        return members

    def put(self, name: str, **members: Any) -> None:
        """Replace members of a secret; None takes one away."""
        changed = {key: value for key, value in (self.secret(name) | members).items() if value is not None}
        self._client.put_secret_value(
            SecretId=self.sandbox.deployed.refs[name], SecretString=json.dumps(changed)
        )

    def run_certificates(self) -> tuple[dict[str, int], list[dict[str, Any]]]:
        """Run the scheduled function; its answer, and what it wrote."""

        def written() -> str:
            text: str = self.sandbox.lambdas.logs("CertificatesFunction")[before:]
            return text

        before = len(self.sandbox.lambdas.logs("CertificatesFunction"))
        timer = next(
            each for name, each in self.sandbox.schedules.items() if name.startswith("CertificatesFunction")
        )
        answer = timer.run_now()
        self.sandbox.wait_until(lambda: "KeyDaysLeftMin" in written())  # what it says last
        return answer, [json.loads(line) for line in written().splitlines() if line.startswith("{")]
