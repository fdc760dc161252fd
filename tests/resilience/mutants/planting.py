"""Single changes of a module's source: one condition, one operand, one statement, one constant at a time."""

import ast
import copy
import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ORDERED = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
_BOUNDS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_WORD = re.compile(r"[A-Za-z0-9_#.:-]+")  # a code, a name, a unit; a sentence for people is none
_SPOKEN = {"logger", "log"}  # what is said to operators, not what is done

Field = tuple[str, int | None]
Change = Callable[[ast.AST], ast.AST | None]


@dataclass(frozen=True)
class Mutant:
    """One change: at which line, within which statement (its lines), inside of a function or, by `names`, of what else."""

    path: Path
    line: int
    lines: range
    function: bool
    what: str
    names: tuple[str, ...]
    steps: tuple[Field, ...]
    change: Change

    @property
    def constant(self) -> bool:
        """Whether it is the value of a plain name of the module."""
        return not self.function and len(self.names) == 1 and self.steps[0][0] == "body"

    def tree(self) -> ast.Module:
        """The module with the change in it."""
        tree = ast.parse(self.path.read_bytes())
        *way, (name, place) = self.steps
        node: ast.AST = tree
        for field, index in way:
            node = getattr(node, field) if index is None else getattr(node, field)[index]
        held = getattr(node, name)
        old = held if place is None else held[place]
        new = self.change(copy.deepcopy(old))
        if place is None:
            setattr(node, name, new)
        elif new is None:
            del held[place]
        else:
            held[place] = ast.copy_location(new, old)
        return ast.fix_missing_locations(tree)

    def diff(self) -> str:
        """The change, as a person reads it."""
        before = ast.unparse(ast.parse(self.path.read_bytes())).splitlines()
        after = ast.unparse(self.tree()).splitlines()
        lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[3:]
        return "\n".join(f"    {line}" for line in lines)


def mutants(path: Path) -> list[Mutant]:
    """Every single change of a module, in the order of its lines."""
    found = _Walk(path).found(ast.parse(path.read_bytes()))
    return sorted(found, key=lambda mutant: (mutant.line, mutant.what))


class _Walk:
    def __init__(self, path: Path) -> None:
        self._path = path

    def found(self, tree: ast.Module) -> list[Mutant]:
        return list(self._in(tree, (), range(0), function=False))

    def _in(
        self,
        node: ast.AST,
        steps: tuple[Field, ...],
        lines: range,
        *,
        function: bool,
        names: tuple[str, ...] = (),
    ) -> Iterator[Mutant]:
        if isinstance(node, ast.stmt):
            names = names if function else (*names, *named(node))
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else (node.end_lineno or node.lineno)
            lines = range(node.lineno, max(last, node.lineno) + 1)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_params", "bases", "decorator_list"):
                continue
            places: list[tuple[int | None, Any]] = [(None, value)] if isinstance(value, ast.AST) else []
            places = list(enumerate(value)) if isinstance(value, list) else places
            inside = function or (isinstance(node, ast.FunctionDef) and field == "body")
            for place, child in places:
                if not isinstance(child, ast.AST) or _left_out(node, child):
                    continue
                way = (*steps, (field, place))
                for what, change in _changes(node, field, place, child):
                    at = getattr(child, "lineno", getattr(node, "lineno", 0))
                    where = (
                        lines if not isinstance(child, ast.stmt) else range(at, (child.end_lineno or at) + 1)
                    )
                    yield Mutant(self._path, at, where, inside, what, names, way, change)
                yield from self._in(child, way, lines, function=inside, names=names)


def named(node: ast.stmt) -> list[str]:
    """What a statement of a module or a class gives a name to."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _left_out(parent: ast.AST, child: ast.AST) -> bool:
    """Imports and docstrings, what is logged, the sentence of an error, the formatting of a text."""
    if isinstance(child, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
        return True
    if isinstance(parent, ast.Subscript) and isinstance(child, ast.Tuple):  # a type
        return True
    if isinstance(child, ast.Expr):
        child = child.value
    if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
        said = child.func.value
        return isinstance(said, ast.Name) and said.id in _SPOKEN
    return isinstance(parent, ast.Call) and ast.unparse(parent.func) in ("TypeVar", "cast")


def _changes(parent: ast.AST, field: str, place: int | None, child: ast.AST) -> Iterator[tuple[str, Change]]:
    if field == "test" or (field == "ifs" and isinstance(parent, ast.comprehension)):
        yield "negated", lambda old: ast.UnaryOp(ast.Not(), old)  # type: ignore[arg-type]
    if isinstance(child, ast.BoolOp):
        for n in range(len(child.values)):
            yield f"operand {n + 1} dropped", lambda old, n=n: _without(old, "values", n)  # type: ignore[misc]
    if isinstance(child, ast.BinOp) and isinstance(child.op, ast.BitAnd | ast.BitOr):
        yield "left dropped", lambda old: old.right  # type: ignore[attr-defined]
        yield "right dropped", lambda old: old.left  # type: ignore[attr-defined]
    if isinstance(child, ast.BinOp) and type(child.op) in _OPERATORS:
        operator = _OPERATORS[type(child.op)]
        yield operator.__name__, lambda old: ast.BinOp(old.left, operator(), old.right)  # type: ignore[attr-defined]
    if isinstance(child, ast.Compare):
        for n, op in enumerate(child.ops):
            swapped = _COMPARISONS[type(op)]
            if field == "test" and swapped not in _ORDERED:
                continue  # as good as negated
            yield swapped.__name__, lambda old, n=n, swapped=swapped: _compared(old, n, swapped)  # type: ignore[misc]
    if isinstance(child, ast.Name) and field == "func" and child.id in _BOUNDS:
        yield _BOUNDS[child.id], lambda old: ast.Name(_BOUNDS[old.id], ast.Load())  # type: ignore[attr-defined]
    yield from _parts(parent, field, place, child)


def _parts(parent: ast.AST, field: str, place: int | None, child: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(child, ast.stmt) and place is not None:
        yield from _statements(parent, field, place, child)
    if isinstance(child, ast.UnaryOp) and isinstance(child.op, ast.Not | ast.Invert):
        yield "not dropped", lambda old: old.operand  # type: ignore[attr-defined]
    if isinstance(child, ast.Constant):
        yield from _constants(parent, field, child)
    if isinstance(child, ast.Tuple | ast.List | ast.Set) and isinstance(
        getattr(child, "ctx", ast.Load()), ast.Load
    ):
        for n in range(len(child.elts)):
            if not isinstance(parent, ast.Subscript) and (len(child.elts) > 1 or isinstance(child, ast.List)):
                yield f"item {n + 1} dropped", lambda old, n=n: _without(old, "elts", n)  # type: ignore[misc]
    if isinstance(child, ast.Dict):
        for n in range(len(child.keys)):
            yield (
                f"entry {n + 1} dropped",
                lambda old, n=n: _without(_without(old, "keys", n), "values", n),  # type: ignore[misc]
            )
    if isinstance(child, ast.keyword) and child.arg is not None:
        yield f"argument {child.arg} dropped", lambda _: None


def _constants(parent: ast.AST, field: str, child: ast.Constant) -> Iterator[tuple[str, Change]]:
    value = child.value
    if value is True or value is False:
        yield "flipped", lambda old: ast.Constant(not old.value)  # type: ignore[attr-defined]
    elif isinstance(value, int | float):
        yield "one more", lambda old: ast.Constant(old.value + 1)  # type: ignore[attr-defined]
    elif isinstance(value, str) and _WORD.fullmatch(value) and field != "slice":
        spoken = isinstance(parent, ast.Call) and ast.unparse(parent.func).endswith("Error")
        if not spoken:
            yield "another word", lambda old: ast.Constant(f"{old.value}X")  # type: ignore[attr-defined]


def _statements(parent: ast.AST, field: str, place: int, child: ast.stmt) -> Iterator[tuple[str, Change]]:
    last = isinstance(parent, ast.FunctionDef) and field == "body" and place == len(parent.body) - 1
    dropped = isinstance(child, ast.Raise | ast.AugAssign | ast.Continue | ast.Break | ast.Delete)
    dropped |= isinstance(child, ast.Expr) and isinstance(child.value, ast.Call)
    dropped |= isinstance(child, ast.Return) and not last
    dropped |= isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Attribute | ast.Subscript)
    if dropped:
        yield f"{type(child).__name__.lower()} dropped", lambda _: ast.Pass()


def _without(old: ast.AST, field: str, place: int) -> ast.AST:
    values = getattr(old, field)
    del values[place]
    return values[0] if isinstance(old, ast.BoolOp) and len(values) == 1 else old


def _compared(old: ast.AST, place: int, swapped: type[ast.cmpop]) -> ast.AST:
    old.ops[place] = swapped()  # type: ignore[attr-defined]
    return old
