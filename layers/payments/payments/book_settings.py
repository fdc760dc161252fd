"""What a function's environment says of the books."""

from payments.app_settings import AppSettings


class BookSettings(AppSettings):
    """A part of `Settings`, and read like it."""

    @property
    def journal_table(self) -> str:
        """Name of the table `journal`."""
        return self._text("JOURNAL_TABLE")

    @property
    def bills_table(self) -> str:
        """Name of the table `bills`."""
        return self._text("BILLS_TABLE")

    @property
    def bills_bucket(self) -> str:
        """Name of the bucket of WeChat Pay's bills."""
        return self._text("BILLS_BUCKET")

    @property
    def books_queue(self) -> str:
        """URL of the queue of days whose bills are fetched and compared."""
        return self._text("BOOKS_QUEUE")

    @property
    def exports_table(self) -> str:
        """Name of the table `exports`."""
        return self._text("EXPORTS_TABLE")

    @property
    def exports_bucket(self) -> str:
        """Name of the bucket of exports' files, which lie under exports/ there."""
        return self._text("EXPORTS_BUCKET")

    @property
    def exports_queue(self) -> str:
        """URL of the queue of exports that are to be made."""
        return self._text("EXPORTS_QUEUE")
