"""docs/openapi.yaml as something to hold answers against: which operation, which answers, and nothing besides."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

PATH = Path(__file__).parents[2] / "docs" / "openapi.yaml"
PREFIX = "/api/"
RETRIED = ("RATE_LIMITED", "SYSTEMERROR")  # codes of ours that say when to come again


class Document:
    """The file, read once. Members that an answer's schema does not name are undocumented here, whatever clients allow."""

    @cached_property
    def raw(self) -> dict[str, Any]:
        """As it stands in the file."""
        raw: dict[str, Any] = yaml.load(PATH.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return raw

    @cached_property
    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        """(METHOD, path) → operation."""
        return {
            (method.upper(), path): operation
            for path, methods in self.raw["paths"].items()
            for method, operation in methods.items()
        }

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        """The part itself, or what its $ref names."""
        while "$ref" in part:
            found: Any = self.raw
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part

    def responses(self, method: str, path: str) -> dict[str, dict[str, Any]]:
        """Status → response of one operation."""
        responses = self.operations[method, path]["responses"]
        return {status: self.resolved(response) for status, response in responses.items()}

    def codes(self) -> set[tuple[int, str]]:
        """Every (HTTP status, code) that some answer in our own form has."""
        return {
            (int(status), schema["properties"]["code"]["const"])
            for method, path in self.operations
            for status, response in self.responses(method, path).items()
            for media in response.get("content", {}).values()
            for schema in self._alternatives(media.get("schema", {}))
            if "error" in schema.get("properties", {})
        }

    def _alternatives(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        schema = self.resolved(schema)
        if "oneOf" in schema:
            for alternative in schema["oneOf"]:
                yield from self._alternatives(alternative)
        else:
            yield schema

    def examples(self) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Where each example of a body stands, the schema that it must fit, and the example."""
        for (method, path), operation in self.operations.items():
            named = [(status, response) for status, response in self.responses(method, path).items()]
            if "requestBody" in operation:
                named.append(("request", operation["requestBody"]))
            for what, part in named:
                for media in part.get("content", {}).values():
                    for name, example in media.get("examples", {}).items():
                        yield f"{method} {path} {what} {name}", media["schema"], example["value"]

    def validator(self, schema: dict[str, Any]) -> jsonschema_rs.Validator:
        """For one schema of the file, exactly as a client would read it."""
        return jsonschema_rs.validator_for(
            {**schema, "components": self.raw["components"]}, validate_formats=True
        )

    # ---- events ----

    @cached_property
    def event_types(self) -> list[str]:
        """The detail types that an event may have."""
        return list(self.raw["components"]["schemas"]["Event"]["discriminator"]["mapping"])

    def event_problem(self, detail_type: str, detail: Mapping[str, Any]) -> str:
        """What is not documented about an event of the bus, or nothing."""
        if detail_type not in self.event_types:
            return f"no event {detail_type} is documented"
        problem = next(iter(self._events[detail_type].iter_errors(detail)), None)
        return f"{detail_type}: {problem.message}: {str(detail)[:400]}" if problem else ""

    @cached_property
    def _events(self) -> dict[str, jsonschema_rs.Validator]:
        components = _closed(self.raw["components"])
        return {
            name: jsonschema_rs.validator_for(
                {"$ref": f"#/components/schemas/{name}", "components": components}, validate_formats=True
            )
            for name in self.event_types
        }

    # ---- answers ----

    def problem(self, method: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> str:
        """What is not documented about an answer of the API, or nothing; header names in lower case."""
        path = path.partition("?")[0]
        found = self._operation(method, path)
        if found is None:
            if not path.startswith(PREFIX) or (method == "OPTIONS" and status == 204):
                return ""  # the sandbox's own, or a browser that asks before it asks
            unrouted = (status, body) in ((404, b'{"message":"Not Found"}'), (413, b""))
            return "" if unrouted or method == "HEAD" else f"no operation for {method} {path}, and {status}"
        media = self._strict.get((*found, str(status)))
        if media is None:
            return f"{status} is not documented for {found}: {body[:200]!r}"
        if not media and not body:
            return ""
        kind = headers.get("content-type", "").partition(";")[0]
        if kind not in media:
            return f"{kind or 'no content type'} is not documented for {status} of {found}"
        if kind != "application/json":
            return ""
        content = json.loads(body)
        if not media[kind].is_valid(content):
            problem = next(iter(media[kind].iter_errors(content)))
            return f"{status} of {found}: {problem.message}: {body[:400]!r}"
        if content.get("code") in RETRIED and not re.fullmatch(
            r"[1-9][0-9]*", headers.get("retry-after", "")
        ):
            return f"{status} of {found} does not say when to come again"
        return ""

    def _operation(self, method: str, path: str) -> tuple[str, str] | None:
        return next((key for key, shape in self._shapes if key[0] == method and shape.fullmatch(path)), None)

    @cached_property
    def _shapes(self) -> list[tuple[tuple[str, str], re.Pattern[str]]]:
        return [
            (key, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(key[1])))) for key in self.operations
        ]

    @cached_property
    def _strict(self) -> dict[tuple[str, str, str], dict[str, jsonschema_rs.Validator]]:
        components = _closed(self.raw["components"])
        return {
            (method, path, status): {
                kind: jsonschema_rs.validator_for(
                    {**_closed(media.get("schema", {})), "components": components}, validate_formats=True
                )
                for kind, media in response.get("content", {}).items()
            }
            for method, path in self.operations
            for status, response in self.responses(method, path).items()
        }


def _closed(part: Any) -> Any:
    """The same with every object that names its members having no others, unless it says that it may."""
    if isinstance(part, list):
        return [_closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    closed = {name: _closed(member) for name, member in part.items()}
    if isinstance(part.get("properties"), dict) and part.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


DOCUMENT = Document()
