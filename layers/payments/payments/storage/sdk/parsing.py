"""Reads what DynamoDB answers: its JSON is the very structure that pynamodb takes, so nothing needs to be walked through."""

import json
from typing import Any

from botocore.parsers import ResponseParserFactory
from botocore.utils import lowercase_dict

PLAIN = frozenset({"GetItemOutput", "PutItemOutput", "UpdateItemOutput", "DeleteItemOutput", "QueryOutput"})
"""Shapes whose members are texts, numbers and flags, but for binary values."""

# What botocore would convert or leave out: binary values, and members that are null. A text may hold the same; it is read the long way.
_CONVERTED = (b'"B"', b'"BS"', b"null")


class ParserFactory(ResponseParserFactory):  # type: ignore[misc]  # botocore has no types
    """For a session's component `response_parser_factory`. Everything else is parsed by botocore's own."""

    def create_parser(self, protocol_name: str) -> Any:
        """What parses answers of this protocol."""
        parser = super().create_parser(protocol_name)
        return _Json(parser) if protocol_name == "json" else parser


class _Json:
    def __init__(self, botocores: Any) -> None:
        self._botocores = botocores

    def parse(self, response: dict[str, Any], shape: Any) -> Any:
        """The answer as botocore's own parser would give it."""
        plain = response["status_code"] == 200 and shape is not None and shape.name in PLAIN
        body = response["body"]
        if plain and body and not any(mark in body for mark in _CONVERTED):
            try:
                parsed = json.loads(body.decode())
            except ValueError:
                parsed = None
            if isinstance(parsed, dict):
                known = {name: parsed[name] for name in shape.members if name in parsed}
                return known | {"ResponseMetadata": _metadata(response["headers"])}
        return self._botocores.parse(response, shape)


def _metadata(headers: Any) -> dict[str, Any]:
    lowered = lowercase_dict(headers)
    identity = {"RequestId": lowered["x-amzn-requestid"]} if "x-amzn-requestid" in lowered else {}
    return {**identity, "HTTPStatusCode": 200, "HTTPHeaders": lowered}
