"""What a function's environment says of the books."""

from payments.app_settings import AppSettings


class BookSettings(AppSettings):
    """A part of `Settings`, and read like it."""

    @property
    def journal_table(self) -> str:
        """Name of the table `journal`."""
        return self._text("JOURNAL_TABLE")
