"""What use cases reach of the books: a part of `Wiring`, made like it."""

from functools import cached_property
from typing import TYPE_CHECKING

from payments.settings import Settings

if TYPE_CHECKING:
    from payments.storage.books.journal import JournalStore

# Each part is imported where it is made, as in `wiring`.
# ruff: noqa: PLC0415


class BookWiring:
    """The stores of the books."""

    settings: Settings

    @cached_property
    def journal(self) -> "JournalStore":
        """The table `journal`."""
        from payments.storage.books.journal import JournalStore

        return JournalStore(journal_table=self.settings.journal_table)
