"""CloudFormation's intrinsic functions and conditions (Template Reference, Intrinsic functions)."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.cloudformation.template import TemplateError

NO_VALUE = object()
"""What AWS::NoValue comes to: the property or list item that holds it is left out."""

_SUB = re.compile(r"\$\{([^}]*)\}")


class Resolver:
    """Resolves values; what resources answer comes from `ref` and `attribute`. Raises TemplateError.

    An intrinsic that is not known here is an error: passed on as data, it would be a wrong value in silence.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        *,
        conditions: Mapping[str, Any],
        mappings: Mapping[str, Any],
        ref: Callable[[str], str],
        attribute: Callable[[str, str], str],
    ) -> None:
        self._values = values  # parameters and pseudo parameters
        self._conditions = conditions
        self._mappings = mappings
        self._ref = ref
        self._attribute = attribute
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._get_ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
        }

    def value(self, given: Any) -> Any:
        """`given` with every intrinsic resolved, at any depth; NO_VALUE when that is all it comes to."""
        if isinstance(given, list):
            return [v for v in map(self.value, given) if v is not NO_VALUE]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((name, argument),) = given.items()
            if name in self._functions:
                return self._functions[name](argument)
        for name in given:
            if name.startswith("Fn::") or name == "Ref":
                raise TemplateError(f"{name} is not supported here")
        resolved = {key: self.value(v) for key, v in given.items()}
        return {key: v for key, v in resolved.items() if v is not NO_VALUE}

    def condition(self, name: str) -> bool:
        """Whether the template's condition of this name holds."""
        if name not in self._conditions:
            raise TemplateError(f"the template has no condition {name}")
        return self._test(self._conditions[name])

    def _test(self, test: Any) -> bool:
        if not isinstance(test, dict) or len(test) != 1:
            raise TemplateError("a condition must be one function")
        ((name, argument),) = test.items()
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::Equals":
            left, right = (self.value(side) for side in argument)
            return bool(_plain(left) == _plain(right))
        if name == "Fn::Not":
            (inner,) = argument
            return not self._test(inner)
        if name == "Fn::And":
            return all(self._test(inner) for inner in argument)
        if name == "Fn::Or":
            return any(self._test(inner) for inner in argument)
        raise TemplateError(f"{name} is not supported in a condition")

    def _get_ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._values:
            return self._values[name]
        if str(name).startswith("AWS::"):
            raise TemplateError(f"pseudo parameter {name} is not supported")
        return self._ref(name)

    def _get_att(self, argument: Any) -> str:
        logical_id, name = argument.split(".", 1) if isinstance(argument, str) else argument
        return self._attribute(logical_id, name)

    def _sub(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})
        own = {name: self.value(v) for name, v in given.items()}

        def replace(found: re.Match[str]) -> str:
            name = found[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return _text(own[name], name)
            if "." in name:
                return self._get_att(name)
            return _text(self._get_ref(name), name)

        return _SUB.sub(replace, text)

    def _join(self, argument: Any) -> str:
        separator, items = argument
        resolved = self.value(items)
        if not isinstance(resolved, list):
            raise TemplateError("Fn::Join needs a list")
        return str(separator).join(_text(item, "Fn::Join") for item in resolved)

    def _select(self, argument: Any) -> Any:
        index, items = self.value(argument[0]), self.value(argument[1])
        if not isinstance(items, list) or not 0 <= int(index) < len(items):
            raise TemplateError("Fn::Select cannot select a value at that index")
        return items[int(index)]

    def _split(self, argument: Any) -> list[str]:
        separator, text = argument
        resolved = self.value(text)
        if not isinstance(resolved, str):
            raise TemplateError("Fn::Split needs a string")
        return resolved.split(separator)

    def _find_in_map(self, argument: Any) -> Any:
        if len(argument) != 3:
            raise TemplateError("Fn::FindInMap takes a map and two keys")
        name, first, second = (self.value(part) for part in argument)
        try:
            return self._mappings[name][first][second]
        except KeyError:
            raise TemplateError(f"Fn::FindInMap: no {first}.{second} in {name}") from None

    def _if(self, argument: Any) -> Any:
        name, yes, no = argument
        return self.value(yes if self.condition(name) else no)


def _plain(value: Any) -> Any:
    """CloudFormation compares scalars as strings."""
    return value if isinstance(value, list | dict) else _text(value, "Fn::Equals")


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise TemplateError(f"{where}: a string was expected")
