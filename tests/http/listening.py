"""A sandbox that says all that it can, with secrets in it that must turn up nowhere."""

import json
import secrets

from sandbox.stack import Sandbox

UNUSED_V2_KEY = secrets.token_hex(16)
PREVIOUS_KEY = secrets.token_hex(16)
ORIGIN_KEY = "origin-key-that-is-nobodys-" + "o" * 16


class Listening(Sandbox):
    """Everything says all that it can: root logger and product at DEBUG; what functions write and are given is kept.

    No schedule fires by itself: with each minute more of these many unpaid orders would be due for a look.
    """

    def __init__(self, **parameters):
        self.written = []  # (function, line)
        self.given = []  # (function, event) of queue and schedule
        super().__init__(
            parameters={**parameters, "LogLevel": "DEBUG"},
            log_sink=lambda function, line: self.written.append((function, line)),
            schedules=False,
        )

    def _start_pumps(self, credentials_of):
        for function in self.deployed.functions.values():
            # What Lambda sets where somebody chooses JSON logs at DEBUG for all of a function's libraries.
            function.environment.update(AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="DEBUG")
        invoke = self.lambdas.invoke

        def heard(function, event):
            self.given.append((function, event))
            return invoke(function, event)

        self.lambdas.invoke = heard  # type: ignore[method-assign]
        super()._start_pumps(credentials_of)


def hide_canaries(running):
    """Into the secrets, beside what is used: values that are nobody's, and must turn up nowhere."""
    store = running.aws.client("secretsmanager")
    for secret, extra in {
        "SigningSecret": {"WECHAT_API_KEY": UNUSED_V2_KEY},
        "VerificationSecret": {
            "WECHAT_API_V3_KEY_PREVIOUS": PREVIOUS_KEY,
            "CLOUDFRONT_ORIGIN_KEY": ORIGIN_KEY,
        },
    }.items():
        name = running.deployed.refs[secret]
        members = json.loads(store.get_secret_value(SecretId=name)["SecretString"])
        store.put_secret_value(SecretId=name, SecretString=json.dumps(members | extra))
