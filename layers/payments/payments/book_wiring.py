"""What use cases reach of the books: a part of `Wiring`, made like it."""

from functools import cached_property
from typing import TYPE_CHECKING

from payments.settings import Settings

if TYPE_CHECKING:
    from payments.storage.books.bill_files import BillFiles
    from payments.storage.books.bills import BillStore
    from payments.storage.books.exports import ExportFiles, ExportStore
    from payments.storage.books.journal import JournalStore
    from payments.storage.books.results import ResultStore
    from payments.storage.books.work import WorkFiles

# Each part is imported where it is made, as in `wiring`.
# ruff: noqa: PLC0415

S3_SECONDS = 20  # seconds that S3 may take for megabytes; nobody waits for them


class BookWiring:
    """The stores of the books."""

    settings: Settings

    @cached_property
    def journal(self) -> "JournalStore":
        """The table `journal`."""
        from payments.storage.books.journal import JournalStore

        return JournalStore(journal_table=self.settings.journal_table)

    @cached_property
    def bills(self) -> "BillStore":
        """The table `bills`."""
        from payments.storage.books.bills import BillStore

        return BillStore(bills_table=self.settings.bills_table)

    @cached_property
    def bill_files(self) -> "BillFiles":
        """The bills in the bucket."""
        from payments.storage.aws import client
        from payments.storage.books.bill_files import BillFiles

        s3 = client("s3", seconds=S3_SECONDS)
        return BillFiles(bucket=self.settings.bills_bucket, mchid=self.settings.mchid, client=s3)

    @cached_property
    def exports(self) -> "ExportStore":
        """The table `exports`."""
        from payments.storage.books.exports import ExportStore

        return ExportStore(exports_table=self.settings.exports_table)

    @cached_property
    def export_files(self) -> "ExportFiles":
        """The bucket of exports' files."""
        from payments.storage.aws import client
        from payments.storage.books.exports import ExportFiles

        return ExportFiles(bucket=self.settings.exports_bucket, client=client("s3", seconds=S3_SECONDS))

    @cached_property
    def results(self) -> "ResultStore":
        """What runs have found, in the table `bills`."""
        from payments.storage.books.results import ResultStore

        return ResultStore(bills_table=self.settings.bills_table)

    @cached_property
    def work_files(self) -> "WorkFiles":
        """What the stages of a run hand on to each other, in the bucket of bills."""
        from payments.storage.aws import client
        from payments.storage.books.work import WorkFiles

        return WorkFiles(bucket=self.settings.bills_bucket, client=client("s3", seconds=S3_SECONDS))
