"""The blocks of code of all documents, and how each is settled: run by a test, a copy of a file that is, no command at all, or not to be run here, and why."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(
        ROOT / name
        for name in (
            *("README.md", "README.zh-CN.md", "CONTRIBUTING.md"),
            *("wechatpay_simulator/README.md", "wechatpay_simulator/README.zh-CN.md"),
            *("layers/wechatpay/README.md", "layers/wechatpay/README.zh-CN.md"),
            *(
                "clients/python/README.md",
                "clients/typescript/README.md",
                "examples/README.md",
                "examples/exam.md",
            ),
        )
    ),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/simulator").glob("*.md")),
]


@dataclass(frozen=True)
class Block:
    """What stands between two fences, without the indentation of a list that it is in."""

    document: str
    line: int
    language: str
    text: str
    shown: str = ""
    """The file that it is a copy of, or with `#name` a region of it: <!-- shown: FILE#NAME --> stands on the line above."""

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    def begins(self, document: str, start: str) -> bool:
        """Whether it is the block of that document (any, where that is empty) whose text begins so."""
        return document in ("", self.document) and self.text.startswith(start)


FENCED = re.compile(
    r"^(?:<!-- shown: (?P<shown>\S+) -->\n)?(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


def _blocks(document: Path) -> list[Block]:
    text, name = document.read_text(), str(document.relative_to(ROOT))
    return [
        Block(
            name,
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
            found["shown"] or "",
        )
        for found in FENCED.finditer(text)
    ]


BLOCKS = [block for document in DOCUMENTS for block in _blocks(document)]

READ_BY_A_TEST = {
    ("clients/python/README.md", "python"): "tests/clients/test_packages.py",
    ("clients/typescript/README.md", "ts"): "tests/clients/test_packages.py",
    ("examples/exam.md", "sh"): "tests/examples/test_exam_backends.py",
    ("docs/events.md", "python"): "tests/documents/test_events.py",
    ("docs/events.md", "yaml"): "tests/documents/test_events.py",
    ("docs/checkout.md", "http"): "tests/http/test_checkout_examples.py",
    ("docs/checkout.zh-CN.md", "http"): "tests/documents/test_translations.py",
    ("docs/getting-started.md", "sh"): "tests/documents/test_getting_started.py",
    ("docs/getting-started.zh-CN.md", "sh"): "tests/documents/test_getting_started.py",
    ("docs/exam.md", "sh"): "tests/exam/test_document.py",
    ("docs/exam.md", "text"): "tests/exam/test_document.py",
    ("docs/exam.md", "yaml"): "tests/exam/test_document.py",
    ("docs/identity.md", "python"): "tests/identity/test_document.py",
    ("docs/simulator.md", "sh"): "tests/simulator/test_document.py",
    ("docs/simulator.md", "text"): "tests/examples/test_simulator_languages.py",
    ("docs/simulator/python.md", "sh"): "tests/examples/test_simulator_languages.py",
    ("docs/simulator/node.md", "sh"): "tests/examples/test_simulator_languages.py",
    ("docs/simulator/go.md", "sh"): "tests/examples/test_simulator_languages.py",
    ("docs/simulator/java.md", "sh"): "tests/examples/test_simulator_languages.py",
    ("docs/simulator/php.md", "sh"): "tests/examples/test_simulator_languages.py",
    ("layers/wechatpay/README.md", ""): "tests/packages/test_client.py",
    ("layers/wechatpay/README.md", "python"): "tests/packages/test_client.py",
    ("layers/wechatpay/README.zh-CN.md", ""): "tests/documents/test_translations.py",
    ("layers/wechatpay/README.zh-CN.md", "python"): "tests/documents/test_translations.py",
    ("wechatpay_simulator/README.md", "yaml"): "tests/packages/test_action.py",
    ("wechatpay_simulator/README.zh-CN.md", ""): "tests/documents/test_translations.py",
    ("wechatpay_simulator/README.zh-CN.md", "python"): "tests/documents/test_translations.py",
    ("docs/pytest.md", "python"): "tests/simulator/plugin/test_plugin.py",
}
"""By document and language: the test that takes them out of it and runs each as it stands there."""

BEGINNING = {
    ("wechatpay_simulator/README.md", "pip install"): "tests/packages/test_simulator.py",
    ("wechatpay_simulator/README.md", "import base64"): "tests/packages/test_simulator.py",
    ("wechatpay_simulator/README.md", "curl -s"): "tests/packages/test_simulator.py",
    ("README.md", "make demo"): "tests/documents/test_commands.py",
    ("README.zh-CN.md", "make demo"): "tests/documents/test_commands.py",
    ("CONTRIBUTING.md", "make setup"): "tests/documents/test_commands.py",
    ("CONTRIBUTING.md", "make invoke"): "tests/documents/test_commands.py",
    ("README.md", "1. The shop quotes"): "tests/documents/test_front_door.py",
    ("README.md", "make doctor"): "tests/documents/test_commands.py",
    ("README.zh-CN.md", "make doctor"): "tests/documents/test_commands.py",
    ("docs/events.md", "make sandbox"): "tests/documents/test_commands.py",
    ("docs/getting-started.md", "git clone"): "tests/documents/test_commands.py",
    ("docs/getting-started.md", "make doctor"): "tests/documents/test_commands.py",
    ("docs/getting-started.zh-CN.md", "git clone"): "tests/documents/test_commands.py",
    ("docs/getting-started.zh-CN.md", "make doctor"): "tests/documents/test_commands.py",
    ("docs/sandbox.md", "make sandbox"): "tests/documents/test_commands.py",
    ("docs/identity.md", "make deploy"): "tests/documents/test_commands.py",
    ("examples/README.md", "export WEBHOOK_SECRET"): "tests/documents/test_commands.py",
    ("examples/README.md", "cd examples/mini-program"): "tests/examples/test_by_hand.py",
    ("docs/operations.md", "make doctor"): "tests/operations/test_on_a_sandbox.py",
    ("docs/operations.md", "WECHAT_API_V3_KEY_PREVIOUS="): "tests/operations/test_on_a_sandbox.py",
}
"""By document and beginning: the test that runs it, or holds each of its commands to what does."""

SHOWS_NO_COMMAND = {
    ("", "flowchart"): "a drawing",
    ("", "stateDiagram"): "a drawing",
    ("", "sequenceDiagram"): "a drawing",
    ("", " buyer, shop ──▶"): "a drawing",
    (
        "wechatpay_simulator/README.md",
        "2026-11-29T",
    ): "lines of a log; tests/simulator/test_log.py reads such",
    (
        "wechatpay_simulator/README.md",
        "TRANSACTION.SUCCESS",
    ): "what is printed; tests/simulator/test_trigger.py reads such",
    ("docs/simulator.md", "SIM="): "the address that the commands after it go to; their test has its own",
    ("docs/simulator/java.md", "127.0.0.1 simulator"): "a line of /etc/hosts, which no test may change",
}

CANNOT_BE_RUN_HERE = {
    (
        "wechatpay_simulator/README.md",
        "wechatpay-simulator exam",
    ): "needs the reader's backend; the exam's own tests examine backends",
    (
        "wechatpay_simulator/README.md",
        "def test_a_payment_whose",
    ): "needs the reader's shop; the plugin's own tests use the fixture",
    (
        "wechatpay_simulator/README.md",
        "docker build",
    ): "needs a Docker engine; tests/packages/test_container.py runs the image's own commands",
    (
        "examples/README.md",
        "python3 -m venv",
    ): "asks a package registry; its last line is held by tests/examples/test_by_hand.py",
    (
        "examples/README.md",
        "(cd clients/typescript",
    ): "asks a package registry; its last line is held by tests/examples/test_by_hand.py",
    ("", ".venv/bin/python -m sandbox --env-file .sandbox/env.json     # 在"): "sam needs containers",
    (
        "docs/local-invocation.md",
        "export AWS_ACCESS_KEY_ID",
    ): "sam needs containers; the keys are compared in test_blocks.py",
    (
        "docs/events.md",
        "aws ",
    ): "needs an AWS account; its words are held to the model by test_aws_commands.py",
    ("docs/ci.md", "aws "): "needs an AWS account; its words are held to the model by test_aws_commands.py",
    (
        "docs/identity.md",
        "aws ",
    ): "needs an AWS account; its words are held to the model by test_aws_commands.py",
    (
        "docs/operations.md",
        "aws ",
    ): "needs an AWS account; its words are held to the model by test_aws_commands.py",
    ("docs/checkout.md", "const { appId"): "runs in a mini program alone",
    ("docs/checkout.zh-CN.md", "const { appId"): "runs in a mini program alone",
    ("docs/simulator/php.md", "use WeChatPay"): "needs the SDK, from a registry that tests do not ask",
    ("docs/simulator/java.md", "HttpUrl simulator"): "needs the SDK, from a registry that tests do not ask",
    ("docs/simulator/java.md", "Config config"): "needs the SDK, from a registry that tests do not ask",
    ("docs/simulator/java.md", "config.setApiHostUrl"): "needs WxJava, from a registry that tests do not ask",
    ("docs/simulator/go.md", "type toSimulator"): "needs the SDK, from a registry that tests do not ask",
    ("docs/simulator/go.md", "forDownloads"): "needs the SDK, from a registry that tests do not ask",
    ("docs/simulator/go.md", "client.SetProxyHost"): "needs gopay, from a registry that tests do not ask",
}
