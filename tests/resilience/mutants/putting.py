"""A change put into the product: into the functions and constants that are imported, or before the import."""

import gc
import importlib
import importlib.machinery
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from tests.resilience.mutants.planting import Mutant
from tests.resilience.mutants.reaching import PRODUCT, ROOT


def compiled(mutant: Mutant) -> CodeType:
    return compile(mutant.tree(), str(mutant.path), "exec", dont_inherit=True)


def import_as(code_of: Callable[[str], CodeType | None]) -> None:
    """Whoever imports a module from now on imports this code, where there is any for its path."""
    given = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: Any, name: str) -> Any:
        return code_of(self.path) or given(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


def import_all() -> None:
    """Every module of the layers."""
    for path in ROOT.glob("layers/*/*/**/*.py"):
        names = path.relative_to(ROOT).with_suffix("").parts[2:]
        importlib.import_module(".".join(names).removesuffix(".__init__"))


Place = tuple[str, str, int]


def place(code: CodeType) -> Place:
    return code.co_filename, code.co_name, code.co_firstlineno


def by_code() -> dict[Place, list[FunctionType]]:
    """Every function of the product that is alive."""
    found: dict[Place, list[FunctionType]] = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and each.__code__.co_filename.startswith(PRODUCT):
            found[place(each.__code__)].append(each)
    return found


def put_in(mutant: Mutant, functions: dict[Place, list[FunctionType]]) -> None:
    """The change, in every function that has that code. Raises ValueError where a closure has other variables then."""

    def codes(code: CodeType) -> Iterator[CodeType]:
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield constant
                yield from codes(constant)

    found = False
    for code in codes(compiled(mutant)):
        for function in functions.get(place(code), ()):
            function.__code__ = code
            found = True
    if not found:
        raise ValueError("no such function is alive")


def put_value(mutant: Mutant) -> None:
    """The change of a constant, wherever it is known by its name. ValueError for no plain value, or no module that loads."""
    (module,) = [
        each for each in list(sys.modules.values()) if getattr(each, "__file__", None) == str(mutant.path)
    ]
    changed = {"__name__": module.__name__, "__file__": str(mutant.path)}
    try:
        exec(compiled(mutant), changed)
    except Exception as problem:
        raise ValueError("it does not load") from problem
    if not plain(changed[mutant.names[0]]):
        raise ValueError("no plain value")
    for name, old in list(vars(module).items()):
        if plain(old) and name in changed and changed[name] != old:
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(name) is old:
                    setattr(other, name, changed[name])


def plain(value: object) -> bool:
    """Numbers, texts, and what holds nothing else."""
    if type(value) in (tuple, list, set, frozenset):
        return all(map(plain, value))  # type: ignore[call-overload]
    if type(value) is dict:
        return all(plain(name) and plain(each) for name, each in value.items())
    return type(value) in (int, float, str, bool, bytes)
