"""A program under test, which ends with its block whatever happens there: a failed assertion must not wait for it."""

import subprocess
from types import TracebackType


class Program(subprocess.Popen[str]):
    """As `subprocess.Popen`, for text."""

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        super().__exit__(kind, problem, trace)
