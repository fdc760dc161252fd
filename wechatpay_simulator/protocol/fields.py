"""The rules of a JSON request, member by member, refused in WeChat Pay's own words."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Never, Protocol

from wechatpay_simulator.protocol.refusals import EXTRA_PARAMETER, OUT_OF_RANGE, Refusal, parameter_error

_INTEGER_MAXIMUM = 2**63 - 1
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)


class Rule(Protocol):
    """What one member must be. `title` is the name that WeChat Pay's messages use for it."""

    @property
    def title(self) -> str: ...

    @property
    def required(self) -> bool: ...

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """Raise a PARAM_ERROR refusal unless `value`, found at `pointer`, keeps the rule."""


@dataclass(frozen=True)
class Text:
    """A JSON string of so many UTF-8 bytes, of code points that need at most three bytes each."""

    title: str
    maximum: int
    minimum: int = 1
    pattern: str | None = None
    required: bool = True

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule. WeChat Pay APIv3, Basic rules: character set; its messages count bytes."""
        if not isinstance(value, str):
            _wrong_type(self, value, pointer, location, "一个 string 类型的 Json 值")
        rule = f"{_mapped(self, pointer, location)}字符串规则校验失败，"
        if not value.isascii() and any(
            ord(character) > 0xFFFF or 0xD800 <= ord(character) <= 0xDFFF for character in value
        ):
            raise parameter_error(
                f"{rule}包含不支持的字符",
                pointer=pointer,
                issue="only characters of one to three UTF-8 bytes are supported",
                location=location,
            )
        size = len(value.encode())
        if size > self.maximum:
            message, issue = f"字节数 {size}，大于最大值 {self.maximum}", "too long"
        elif size < self.minimum:
            message, issue = f"字节数 {size}，小于最小值 {self.minimum}", "too short"
        elif self.pattern is not None and not re.fullmatch(self.pattern, value):
            message, issue = f"字符串必须匹配正则表达式“{self.pattern}”", "does not match the pattern"
        else:
            return
        raise parameter_error(rule + message, pointer=pointer, issue=issue, value=value, location=location)


@dataclass(frozen=True)
class Moment:
    """A time as RFC 3339 writes it, offset included."""

    title: str
    required: bool = False

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule. WeChat Pay APIv3, Basic rules: time format."""
        if not isinstance(value, str):
            _wrong_type(self, value, pointer, location, "一个 string 类型的 Json 值")
        if not _is_rfc3339(value):
            raise parameter_error(
                f"{_mapped(self, pointer, location)}时间格式校验失败，必须遵循 rfc3339 标准格式",
                pointer=pointer,
                issue="not an RFC 3339 time",
                value=value,
                location=location,
            )


@dataclass(frozen=True)
class Integer:
    """A JSON integer: neither a string, nor a decimal, nor a boolean."""

    title: str
    minimum: int = 0
    required: bool = True

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule."""
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _INTEGER_MAXIMUM:
            _wrong_type(self, value, pointer, location, "一个合法的 64 位有符号整数")
        if value < self.minimum:
            raise parameter_error(
                f"{_mapped(self, pointer, location)}整数规则校验失败，值 {value}，小于最小值 {self.minimum}",
                pointer=pointer,
                issue="too small",
                value=value,
                location=location,
                number=OUT_OF_RANGE,
            )


@dataclass(frozen=True)
class Boolean:
    """`true` or `false`."""

    title: str
    required: bool = False

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule."""
        if not isinstance(value, bool):
            _wrong_type(self, value, pointer, location, "一个 boolean 类型的 Json 值")


@dataclass(frozen=True)
class Currency:
    """`CNY`, the only currency of a mainland merchant."""

    title: str = "货币类型"
    required: bool = False

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule."""
        if not isinstance(value, str):
            _wrong_type(self, value, pointer, location, "一个 string 类型的 Json 值")
        if value != "CNY":
            raise parameter_error(
                "参数错误", pointer=pointer, issue="Currency code is invalid", value=value, location=location
            )


@dataclass(frozen=True)
class Structure:
    """A JSON object of known members; the compact form of it may have a largest size in bytes."""

    title: str
    members: Mapping[str, Rule]
    required: bool = False
    maximum: int | None = None

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule. WeChat Pay APIv3, Basic rules: types are exact, null is not one of them, members are documented."""
        if not isinstance(value, dict):
            _wrong_type(self, value, pointer, location, "一个 object 类型的 Json 值")
        for name, rule in self.members.items():
            if name in value:
                rule.check(value[name], f"{pointer}/{name}", location)
            elif rule.required:
                raise missing(rule, f"{pointer}/{name}", location)
        for name in value:
            if name not in self.members:
                raise extra(f"{pointer}/{name}", location)
        if self.maximum is not None:
            size = len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
            if size > self.maximum:
                raise parameter_error(
                    f"{_mapped(self, pointer, location)}规则校验失败，字节数 {size}，大于最大值 {self.maximum}",
                    pointer=pointer,
                    issue="too long",
                    location=location,
                )


@dataclass(frozen=True)
class Items:
    """A JSON array of at least one element, every one under the same rule."""

    title: str
    item: Rule
    required: bool = False

    def check(self, value: object, pointer: str, location: str = "body") -> None:
        """See Rule."""
        if not isinstance(value, list):
            _wrong_type(self, value, pointer, location, "一个 array 类型的 Json 值")
        if not value:
            raise parameter_error(
                f"{_mapped(self, pointer, location)}数组规则校验失败，元素个数 0，小于最小值 1",
                pointer=pointer,
                issue="empty",
                location=location,
            )
        for index, element in enumerate(value):
            self.item.check(element, f"{pointer}/{index}", location)


def missing(rule: Rule, pointer: str, location: str) -> Refusal:
    """The refusal of a request that leaves out a required member."""
    return parameter_error(
        f"输入源“{_source(pointer, location)}”映射到字段“{rule.title}”必填性规则校验失败，此字段为必填项",
        pointer=pointer,
        issue="required",
        location=location,
    )


def extra(pointer: str, location: str) -> Refusal:
    """The refusal of a member that the documentation does not know."""
    return parameter_error(
        f"参数中包含非法的额外参数“{_source(pointer, location)}”",
        pointer=pointer,
        issue="illegal extra parameter",
        location=location,
        number=EXTRA_PARAMETER,
    )


def _is_rfc3339(text: str) -> bool:
    if not _RFC3339.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):  # a 30th of February; a year that has no such second
        return False
    return True


def _source(pointer: str, location: str) -> str:
    return f"/{location}/{pointer.removeprefix('/')}"


def _mapped(rule: Rule, pointer: str, location: str) -> str:
    return f"输入源“{_source(pointer, location)}”映射到值字段“{rule.title}”"


def _wrong_type(rule: Rule, value: object, pointer: str, location: str, wanted: str) -> Never:
    raise parameter_error(
        f"无法将 JSON 输入源“{_source(pointer, location)}”映射到目标字段“{rule.title}”中，此字段需要{wanted}",
        pointer=pointer,
        issue="wrong type",
        value=value if isinstance(value, str | int | float) else "",
        location=location,
    )
