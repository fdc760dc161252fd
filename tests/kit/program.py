"""A program under test, which ends with its block whatever happens there: a failed assertion must not wait for it."""

import subprocess


class Program(subprocess.Popen[str]):
    """As `subprocess.Popen`, for text."""

    def __exit__(self, *what: object) -> None:
        self.kill()
        super().__exit__(*what)
