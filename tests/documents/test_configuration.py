"""docs/configuration.md has a row for each parameter of the template, with its default and its own description."""

from pathlib import Path
from typing import Any

from sandbox.cloudformation.template import transformed
from sandbox.stack import TEMPLATE

DOCUMENT = (Path(__file__).parents[2] / "docs/configuration.md").read_text()


def row(name: str, parameter: dict[str, Any]) -> str:
    default = parameter.get("Default")
    shown = "" if default is None else "(empty)" if default == "" else f"`{default}`"
    return f"| `{name}` | {shown} | {parameter['Description']} |"


def test_every_parameter_has_its_row_and_there_is_no_other() -> None:
    parameters = transformed(TEMPLATE)["Parameters"]
    rows = [line for line in DOCUMENT.splitlines() if line.startswith("| `") and line.count("|") == 4]
    assert rows == [row(name, parameter) for name, parameter in parameters.items()]
