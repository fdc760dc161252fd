"""The differences that one part of a run finds: all are counted, those that a person can look through are kept one by one."""

from collections.abc import Iterable
from dataclasses import replace

from payments.core.books.differences import Difference
from payments.core.books.results import MAX_LISTED, PartResult
from payments.storage.books.results import Part
from payments.wiring import Wiring


class Listing:
    """Of one part, which may be worked on again after a death: what it had found then and finds no more, it had repaired."""

    def __init__(self, part: Part, wiring: Wiring) -> None:
        self._part, self._results = part, wiring.results
        self._before = {each.key: each for each in self._results.differences_of(part)}
        self._found: dict[str, Difference] = {}
        self._kept: set[str] = set()

    def of_line(self, line: int) -> tuple[Difference, ...]:
        """What had been found of one line of the bill by whoever died over this part; nothing, as a rule."""
        return tuple(each for each in self._before.values() if each.line == line) if self._before else ()

    def keep(self, differences: Iterable[Difference]) -> None:
        """Write these down now, for they are about to be repaired. Raises StorageUnavailableError."""
        fresh = list(differences)
        self.add(fresh)
        self._kept |= {each.key for each in fresh}
        self._results.list_differences(self._part, fresh)

    def add(self, differences: Iterable[Difference]) -> None:
        """Some that were found, or are told anew."""
        self._found |= {each.key: each for each in differences}

    def finish(self, result: PartResult) -> None:
        """Write down what is not yet, and count all in `result`. Raises StorageUnavailableError."""
        gone = {
            key: replace(each, repaired=True) for key, each in self._before.items() if key not in self._found
        }
        found = self._found | gone
        kept = [each for key, each in found.items() if key in self._kept or key in gone]
        others = [each for key, each in found.items() if key not in self._kept and key not in gone]
        self._results.list_differences(self._part, [*kept, *others[:MAX_LISTED]])
        result.tell(found.values())
