"""GET /{file}: exactly the files of the parameter, as text, at the root alone."""

import json
import re

import pytest

from payments.api.openids.verify_files import files_of
from payments.core.errors import ConfigurationError
from payments.wiring import Wiring
from sandbox.cloudformation.template import transformed
from tests.kit.functions import function
from tests.kit.parameters import TEMPLATE

NAME, CONTENT = "MP_verify_YnNtMB6ewuyKkEqm.txt", "YnNtMB6ewuyKkEqm"
PATTERN = transformed(TEMPLATE)["Parameters"]["WeChatVerifyFiles"]["AllowedPattern"]


def asked(path, files=f"{NAME}={CONTENT}"):
    module = function("verify_file")
    module.wiring = Wiring({"WECHAT_VERIFY_FILES": files})  # type: ignore[attr-defined]
    return module.lambda_handler({"routeKey": "GET /{file}", "pathParameters": {"file": path}}, None)


def test_the_file_is_served_as_text_that_no_browser_takes_for_anything_else():
    answer = asked(NAME)
    assert (answer["statusCode"], answer["body"]) == (200, CONTENT)
    assert answer["headers"]["content-type"] == "text/plain; charset=utf-8"
    assert answer["headers"]["x-content-type-options"] == "nosniff"


def test_several_accounts_have_several_files():
    files = f"{NAME}={CONTENT}, MP_verify_b.txt=2"
    assert [asked(name, files)["body"] for name in (NAME, "MP_verify_b.txt")] == [CONTENT, "2"]


@pytest.mark.parametrize(
    "path", ["", "MP_verify_other.txt", NAME.lower(), f"{NAME}=", f"{NAME}/", "../app.py", "app.py", CONTENT]
)
def test_everything_else_is_not_found_in_api_gateways_words(path):
    answer = asked(path)
    assert (answer["statusCode"], answer["body"]) == (404, '{"message":"Not Found"}')


def test_a_stack_without_files_has_none():
    assert asked(NAME, "")["statusCode"] == 404


@pytest.mark.parametrize(
    "pairs",
    [
        "MP_verify_a.txt",
        "MP_verify_a.txt=",
        "MP_verify_a.txt=a b",
        "MP_verify_a.txt=<script>",
        "MP_verify_.txt=a",
        "MP_verify_a.html=a",
        "../MP_verify_a.txt=a",
        "index.html=a",
        "MP_verify_a.txt=a=b",
        f"MP_verify_{'a' * 65}.txt=a",
    ],
)
def test_what_is_no_such_file_is_refused_by_the_template_and_by_the_function(pairs):
    assert re.fullmatch(PATTERN, pairs) is None
    with pytest.raises(ConfigurationError, match="must be pairs like"):
        files_of([pairs])
    answer = asked("x", pairs)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "INTERNAL_ERROR")


def test_one_name_has_one_content():
    assert re.fullmatch(PATTERN, "MP_verify_a.txt=a,MP_verify_b.txt=b")
    assert files_of(["MP_verify_a.txt=a", "MP_verify_a.txt=a"]) == {"MP_verify_a.txt": "a"}
    with pytest.raises(ConfigurationError, match=r"MP_verify_a\.txt twice"):
        files_of(["MP_verify_a.txt=a", "MP_verify_a.txt=b"])
