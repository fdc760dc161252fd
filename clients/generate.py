"""What both clients have of docs/openapi.yaml, written anew: their types, and a table of operations.

`make generated` runs it; `make clients` fails while it would change anything.
"""

import argparse
import keyword
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/openapi.yaml"
TYPESCRIPT = ROOT / "clients/typescript/src/generated"
PYTHON = ROOT / "clients/python/src/wechatpay_backend/generated"
BY_WECHAT_PAY = "wechat"  # the tag of what no shop calls
TYPED_DICTS = (
    *(
        "--input-file-type",
        "openapi",
        "--output-model-type",
        "typing.TypedDict",
        "--target-python-version",
        "3.11",
    ),
    *(
        "--enum-field-as-literal",
        "all",
        "--no-use-closed-typed-dict",
        "--use-standard-collections",
        "--use-union-operator",
    ),
    *("--disable-timestamp", "--parent-scoped-naming", "--use-schema-description", "--formatters", "builtin"),
    *(
        "--custom-file-header",
        '"""Types of bodies, answers and events. Generated from docs/openapi.yaml by `make generated`."""',
    ),
)


@dataclass(frozen=True)
class Route:
    """One operation that a shop may call."""

    name: str
    method: str
    path: str
    query: tuple[str, ...]
    body: str | None  # its type
    answer: str  # its type; of `data`, where it has that
    key: bool
    token: bool
    json: bool
    summary: str

    @property
    def parameters(self) -> list[str]:
        """Of the path, in order."""
        return re.findall(r"{(\w+)}", self.path)


def routes(document: dict[str, Any]) -> Iterator[Route]:
    """All operations but WeChat Pay's own, and but those that only lead a browser elsewhere."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if BY_WECHAT_PAY in operation["tags"] or "200" not in operation["responses"]:
                continue
            given = [_resolved(one, document) for one in operation.get("parameters", [])]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            answers = _resolved(operation["responses"]["200"], document)["content"]
            yield Route(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                query=tuple(one["name"] for one in given if one["in"] == "query"),
                body=_python(body["schema"]) if body else None,
                answer=_answer(answers["application/json"]["schema"], document)
                if "application/json" in answers
                else "str",
                key=any(one["name"] == "Idempotency-Key" for one in given),
                token=bool(operation["security"]),
                json="application/json" in answers,
                summary=operation["summary"],
            )


def _resolved(part: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    found: Any = part
    if "$ref" in part:
        found = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
    resolved: dict[str, Any] = found
    return resolved


def _python(schema: dict[str, Any]) -> str:
    if "oneOf" in schema:
        return " | ".join(_python(one) for one in schema["oneOf"])
    return f"types.{schema['$ref'].rpartition('/')[2]}" if "$ref" in schema else "dict[str, Any]"


def _answer(schema: dict[str, Any], document: dict[str, Any]) -> str:
    data = _resolved(schema, document).get("properties", {}).get("data")
    if data is None or "$ref" in data:
        return _python(data or schema)
    return f"{_python(schema)}Data"


# ---- what is written ----


def typescript(document: dict[str, Any]) -> str:
    """The table of operations for clients/typescript."""
    lines = [
        "/** How each operation is called. Generated from docs/openapi.yaml by `make generated`. */",
        "export interface Route {",
        "  readonly method: string;",
        "  readonly path: string;",
        "  readonly query: readonly string[];",
        "  /** Whether it has a body, takes an Idempotency-Key, needs an access token, answers JSON. */",
        "  readonly body: boolean;",
        "  readonly key: boolean;",
        "  readonly token: boolean;",
        "  readonly json: boolean;",
        "}",
        "",
        "export const table = {",
    ]
    for one in routes(document):
        query = ", ".join(f"'{name}'" for name in one.query)
        flags = ", ".join(
            f"{name}: {str(value).lower()}"
            for name, value in (
                ("body", one.body is not None),
                ("key", one.key),
                ("token", one.token),
                ("json", one.json),
            )
        )
        lines.append(f"  /** {one.summary} */")
        lines.append(
            f"  {one.name}: {{ method: '{one.method}', path: '{one.path}', query: [{query}], {flags} }},"
        )
    return "\n".join(
        [
            *lines,
            "} as const satisfies Record<string, Route>;",
            "",
            "export type Name = keyof typeof table;",
            "",
        ]
    )


def python(document: dict[str, Any]) -> str:
    """The methods for clients/python."""
    lines = [
        '"""One method for each operation. Generated from docs/openapi.yaml by `make generated`."""',
        "",
        "from abc import ABC, abstractmethod",
        "from collections.abc import Mapping",
        "from typing import Any",
        "",
        "from wechatpay_backend.generated import types",
        "",
        "",
        "class Operations(ABC):",
        '    """Every operation of docs/openapi.yaml that a shop may call."""',
        "",
        "    @abstractmethod",
        "    def _call(",
        "        self,",
        "        name: str,",
        "        method: str,",
        "        path: str,",
        "        *,",
        "        query: Mapping[str, str | None],",
        "        body: Mapping[str, Any] | None,",
        "        key: str | None,",
        "        takes_key: bool,",
        "        token: bool,",
        "        json: bool,",
        "    ) -> Any: ...",
    ]
    for one in routes(document):
        names = [_snake(name) for name in one.parameters]
        given = ["self", *(f"{name}: str" for name in names)]
        given += [f"body: {one.body}"] if one.body else []
        optional = [f"{_snake(name)}: str | None = None" for name in one.query]
        optional += ["idempotency_key: str | None = None"] if one.key else []
        given += ["*", *optional] if optional else []
        path = re.sub(r"{(\w+)}", lambda found: "{" + _snake(found[1]) + "}", one.path)
        filled = (
            f"self._path({path!r}, {', '.join(f'{name}={name}' for name in names)})" if names else repr(path)
        )
        query = ", ".join(f"{name!r}: {_snake(name)}" for name in one.query)
        lines += [
            "",
            f"    def {_snake(one.name)}({', '.join(given)}) -> {one.answer}:",
            f'        """{one.summary.rstrip(".")}."""',
            f"        answer: {one.answer} = self._call(",
            f"            {one.name!r},",
            f"            {one.method!r},",
            f"            {filled},",
            f"            query={{{query}}},",
            f"            body={'body' if one.body else None},",
            f"            key={'idempotency_key' if one.key else None},",
            f"            takes_key={one.key},",
            f"            token={one.token},",
            f"            json={one.json},",
            "        )",
            "        return answer",
        ]
    lines += [
        "",
        "    @staticmethod",
        "    @abstractmethod",
        "    def _path(path: str, **parameters: str) -> str: ...",
        "",
    ]
    return "\n".join(lines)


def _snake(name: str) -> str:
    """As Python calls it; a word of the language itself gets a line behind it (PEP 8)."""
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return f"{snake}_" if keyword.iskeyword(snake) else snake


def write(typescript_folder: Path, python_folder: Path, *, node_modules: Path, environment: Path) -> None:
    """All four files, into these folders; by the tools of `node_modules` and of the virtual environment."""
    document = yaml.safe_load(DOCUMENT.read_text())
    for folder in (typescript_folder, python_folder):
        folder.mkdir(parents=True, exist_ok=True)
    (typescript_folder / "operations.ts").write_text(typescript(document))
    (python_folder / "operations.py").write_text(python(document))
    (python_folder / "__init__.py").write_text('"""What is generated from docs/openapi.yaml."""\n')
    tool = node_modules / "openapi-typescript/bin/cli.js"
    types = typescript_folder / "openapi.ts"
    _run(["node", str(tool), str(DOCUMENT), "--output", str(types)])
    tool = environment / "bin/datamodel-codegen"
    types = python_folder / "types.py"
    _run([str(tool), "--input", str(DOCUMENT), "--output", str(types), *TYPED_DICTS])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)  # noqa: S603  both are pinned
    if done.returncode:
        raise SystemExit("\n".join([f"{command[0]} failed:", *done.stderr.splitlines()[:20]]))


def main() -> None:
    """Write the files in their places."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--node-modules", type=Path, required=True)
    parser.add_argument("--environment", type=Path, required=True, help=".venv-clients")
    options = parser.parse_args()
    write(TYPESCRIPT, PYTHON, node_modules=options.node_modules, environment=options.environment)


if __name__ == "__main__":
    main()
