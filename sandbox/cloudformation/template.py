"""From template.yaml to plain CloudFormation, on this machine alone; `python -m sandbox.cloudformation.template [Name=value …]` prints it as JSON."""

import copy
import difflib
import functools
import json
import logging
import re
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from boto3.session import Session
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

Value = str | list[str]

PLACEHOLDER_BUCKET = "sandbox-code"
_REGION = "us-east-1"
_CODE = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
}
# It misses the toggles of SAM's own service, and would say so on every user's console.
logging.getLogger("samtranslator.feature_toggle").setLevel(logging.ERROR)
_DEPLOYED_CODE = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML with CloudFormation's short forms; by libyaml, where there is one, in a tenth of the time."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


class TemplateError(Exception):
    """The template, or a parameter's value, would be refused by CloudFormation or is beyond the sandbox."""


def transformed(path: Path) -> dict[str, Any]:
    """The template after the SAM transform, with parameters at their defaults and code at a placeholder in S3."""
    return translate(path, {})[0]


def translate(path: Path, values: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Path]]:
    """The template after the SAM transform, and each function's and layer's local folder by its final logical id.

    Final, because the transform adds a hash to the ids of layers. Raises TemplateError.
    """
    source, given = path.read_text(encoding="utf-8"), json.dumps(values, sort_keys=True)
    text, folders = _translated(path.parent, source, given)
    plain: dict[str, Any] = json.loads(text)
    return plain, dict(folders)


@functools.lru_cache(maxsize=8)
def _translated(parent: Path, text: str, values: str) -> tuple[str, Mapping[str, Path]]:
    """The same from the template's text, values and answer as JSON. Kept, for it is a third of a sandbox's start."""
    source = _source(text)
    defaults: dict[str, Value] = {
        # SAM makes logical ids of Release, so it must have some value.
        name: _typed(declared, str(declared.get("Default", "1")))
        for name, declared in source.get("Parameters", {}).items()
        if "Default" in declared or name == "Release"
    }
    shared = source.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    folders: dict[str, Path] = {}
    for logical_id, resource in source["Resources"].items():
        key = _CODE.get(resource["Type"])
        if key is None:
            continue
        properties = resource.setdefault("Properties", {})
        local = properties.get(key, shared if key == "CodeUri" else None)
        if not isinstance(local, str) or local.startswith("s3://"):
            raise TemplateError(f"{logical_id}: {key} must be a local folder")
        folders[logical_id] = (parent / local).resolve()
        properties[key] = f"s3://{PLACEHOLDER_BUCKET}/{logical_id}"
    # A managed policy by name would need a list that only AWS has; our roles spell out what they may do.
    translator = Translator({}, Parser(), boto_session=Session(region_name=_REGION))
    try:
        result = translator.translate(source, parameter_values={**defaults, **json.loads(values)})
    except Exception as refused:
        causes = getattr(refused, "causes", None) or [refused]
        raise TemplateError("; ".join(str(getattr(c, "message", c)) for c in causes)) from refused
    finally:
        translator.metrics.publish()  # to nowhere; kept back, they cause a warning
    final = {}
    for logical_id, resource in result["Resources"].items():
        code = resource.get("Properties", {}).get(_DEPLOYED_CODE.get(resource["Type"], ""), {})
        if isinstance(code, dict) and code.get("S3Bucket") == PLACEHOLDER_BUCKET:
            final[logical_id] = folders[code["S3Key"]]
    return json.dumps(result), final


def parameters_of(path: Path) -> dict[str, Any]:
    """The template's Parameters section."""
    declared: dict[str, Any] = _source(path.read_text(encoding="utf-8")).get("Parameters", {})
    return declared


def _source(text: str) -> dict[str, Any]:
    return copy.deepcopy(_parsed(text))


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> dict[str, Any]:
    loader = _Loader(text)
    try:
        source: dict[str, Any] = loader.get_single_data()
    finally:
        loader.dispose()
    return source


def checked(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Value]:
    """Every parameter's value, lists as lists. Raises TemplateError naming the parameter and the rule, never the value.

    Rules as in the CloudFormation User Guide, Parameters section: patterns match the whole value, list
    parameters are checked item by item.
    """
    if unknown := sorted(set(given) - set(declared)):
        raise TemplateError("; ".join(_unknown(name, declared) for name in unknown))
    values: dict[str, Value] = {}
    for name, rules in declared.items():
        if name not in given and "Default" not in rules:
            raise TemplateError(f"parameter {name} has no default and must be given")
        value = _typed(rules, given[name] if name in given else str(rules["Default"]), name)
        for item in value if isinstance(value, list) else [value]:
            if fault := _fault(rules, item):
                raise TemplateError(f"parameter {name} {fault}")
        values[name] = value
    return values


def _unknown(name: str, declared: Mapping[str, Any]) -> str:
    like = difflib.get_close_matches(name, declared, n=1)
    return f"the template has no parameter {name}" + (f"; did you mean {like[0]}?" if like else "")


def _typed(rules: Mapping[str, Any], text: str, name: str = "") -> Value:
    kind = rules.get("Type")
    if kind in ("String", "Number"):
        return text
    if kind in ("CommaDelimitedList", "List<Number>"):
        return [item.strip() for item in text.split(",")]
    raise TemplateError(f"parameter {name}: type {kind} is not supported")


def _fault(rules: Mapping[str, Any], value: str) -> str | None:
    """The first rule that a value breaks, as the end of a sentence."""
    allowed = [_text(v) for v in rules.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return "must be one of " + ", ".join(allowed)
    if "AllowedPattern" in rules and re.fullmatch(rules["AllowedPattern"], value) is None:
        return f"must match {rules['AllowedPattern']}"
    if not int(rules.get("MinLength", 0)) <= len(value) <= int(rules.get("MaxLength", len(value))):
        return f"must have MinLength {rules.get('MinLength', 0)} to MaxLength {rules.get('MaxLength', 'any')} characters"
    return _number_fault(rules, value) if "Number" in rules["Type"] else None


def _number_fault(rules: Mapping[str, Any], value: str) -> str | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return "must be a number"
    if not number.is_finite():
        return "must be a number"
    if "MinValue" in rules and number < Decimal(str(rules["MinValue"])):
        return f"must be at least {rules['MinValue']} (MinValue)"
    if "MaxValue" in rules and number > Decimal(str(rules["MaxValue"])):
        return f"must be at most {rules['MaxValue']} (MaxValue)"
    return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    switched = dict(word.split("=", 1) for word in sys.argv[1:])
    json.dump(translate(root / "template.yaml", switched)[0], sys.stdout, indent=1)
    sys.stdout.write("\n")
