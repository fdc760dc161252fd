"""Whatever the root logger says, no library writes down what passes through it."""

import json

import pytest

from tests.functions.test_imports import CALLS, run

ROOT_AT_DEBUG = """
import json, logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="library %(name)s %(levelno)s %(message)s")
import app
if sys.argv[2] == "unpinned":
    for library in ("botocore", "pynamodb", "requests", "urllib3"):
        logging.getLogger(library).setLevel(logging.NOTSET)
app.lambda_handler(json.loads(sys.argv[1]), None)
loud = [
    name
    for name, logger in logging.root.manager.loggerDict.items()
    if isinstance(logger, logging.Logger) and logger.getEffectiveLevel() < logging.WARNING
]
print("loud " + json.dumps(sorted({name.partition(".")[0] for name in loud})))
"""
# Besides our own: Python's, Powertools' about itself, and botocore's maker of documentation.
OURS = {"wechatpay", "payments", "aws_lambda_powertools", "asyncio", "concurrent", "bcdocs"}


@pytest.mark.share(3)
@pytest.mark.parametrize("function", sorted(CALLS))
def test_with_the_root_logger_at_debug_every_library_keeps_to_warnings(function):
    output = run(ROOT_AT_DEBUG, function, json.dumps(CALLS[function]), "as it is").splitlines()
    (loud,) = [json.loads(line.removeprefix("loud ")) for line in output if line.startswith("loud ")]

    assert set(loud) <= OURS
    assert [line for line in output if line.startswith(("library botocore", "library urllib3"))] == []


def test_without_the_pins_they_would():
    output = run(ROOT_AT_DEBUG, "payment", json.dumps(CALLS["payment"]), "unpinned")

    assert "library botocore" in output
