"""What DynamoDB answers is read as botocore's own parser reads it, only sooner."""

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import ResponseParserFactory
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict

from payments.storage.sdk.parsing import PLAIN, ParserFactory
from tests.aws.conftest import stored

MODEL = botocore.session.get_session().get_service_model("dynamodb")
HEADERS = HTTPHeaderDict({"x-amzn-RequestId": "REQUEST", "Content-Type": "application/x-amz-json-1.0"})

texts = st.text(max_size=12)
binary = st.binary(max_size=8).map(lambda value: base64.b64encode(value).decode())
numbers = st.integers().map(str)
values = st.recursive(
    st.one_of(
        st.builds(lambda value: {"S": value}, texts),
        st.builds(lambda value: {"N": value}, numbers),
        st.builds(lambda value: {"BOOL": value}, st.booleans()),
        st.just({"NULL": True}),
        st.builds(lambda value: {"B": value}, binary),
        st.builds(lambda value: {"BS": value}, st.lists(binary, min_size=1, max_size=3)),
        st.builds(lambda value: {"SS": value}, st.lists(texts, min_size=1, max_size=3)),
        st.builds(lambda value: {"NS": value}, st.lists(numbers, min_size=1, max_size=3)),
    ),
    lambda inner: st.one_of(
        st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3)),
        st.builds(lambda value: {"M": value}, st.dictionaries(texts, inner, max_size=3)),
    ),
    max_leaves=8,
)
items = st.dictionaries(texts, values, max_size=5)
CAPACITY = {"TableName": "payments", "CapacityUnits": 0.5}


def both(body: bytes, shape: str = "GetItemOutput", status: int = 200) -> tuple[Any, Any]:
    """What our parser and botocore's make of an answer: its contents, or what was raised."""

    def made_of(factory: ResponseParserFactory) -> Any:
        response = {"status_code": status, "headers": HEADERS, "body": body, "context": {}}
        try:
            return factory.create_parser("json").parse(response, MODEL.shape_for(shape))
        except Exception as problem:  # noqa: BLE001  whatever botocore raises
            return type(problem)

    return made_of(ParserFactory()), made_of(ResponseParserFactory())


@given(items)
def test_an_item_is_read_as_botocore_reads_it(item: dict[str, Any]) -> None:
    for name, shape in (("Item", "GetItemOutput"), ("Attributes", "UpdateItemOutput")):
        ours, botocores = both(json.dumps({name: item, "ConsumedCapacity": CAPACITY}).encode(), shape)
        assert ours == botocores
    ours, botocores = both(
        json.dumps(
            {"Items": [item, item], "Count": 2, "ScannedCount": 2, "LastEvaluatedKey": item},
            ensure_ascii=False,
        ).encode(),
        "QueryOutput",
    )
    assert ours == botocores


@pytest.mark.share(5)
@pytest.mark.parametrize("shape", sorted(PLAIN))
@pytest.mark.parametrize("status", [200, 204, 301, 400, 403, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"text"',
        b"<html>no</html>",
        b"\xff\xfe",
        b'{"Item": null}',
        b'{"Item": {"a": {"S": "\\"B\\": null"}}}',
        b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "No."}',
        json.dumps({"Item": stored(), "Attributes": stored()}).encode(),
    ],
)
def test_whatever_comes_is_taken_as_botocore_takes_it(body: bytes, status: int, shape: str) -> None:
    ours, botocores = both(body, shape, status)
    assert ours == botocores


def test_the_shapes_hold_nothing_else_that_would_be_converted() -> None:
    """Times, and binary values other than an attribute's."""
    seen: set[str] = set()

    def walk(shape: Any, path: str) -> None:
        if shape.type_name in ("timestamp", "blob"):
            assert path.endswith((".B", ".BS")), path
        if shape.name in seen:
            return
        seen.add(shape.name)
        for name, member in getattr(shape, "members", {}).items():
            assert "location" not in member.serialization
            assert member.serialization.get("name", name) == name
            walk(member, f"{path}.{name}")
        for part in ("member", "key", "value"):
            if (inner := getattr(shape, part, None)) is not None:
                walk(inner, path)

    for name in PLAIN:
        walk(MODEL.shape_for(name), name)
