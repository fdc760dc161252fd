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
