"""The whole stack on one machine: AWS, API Gateway, Lambda and WeChat Pay, on loopback only.

Read first of every `python -m sandbox…`, by any Python 3: it says what to do where the rest cannot run.
"""

import sys

_MAKE_ONE = "`make sandbox` or `make demo` makes an environment and starts there; after that .venv/bin/python -m sandbox does, too"


def _explained(
    kind: "type[BaseException]", error: BaseException, trace: "types.TracebackType | None"
) -> None:
    """A sentence instead of a traceback where a package is not installed."""
    missing = str(getattr(error, "name", None) or "").split(".")[0]
    if issubclass(kind, ModuleNotFoundError) and missing != "sandbox":
        sys.stderr.write(f"sandbox: {sys.executable} has no package {missing}; {_MAKE_ONE}\n")
    else:
        sys.__excepthook__(kind, error, trace)


if sys.argv[:1] == [
    "-m"
]:  # so it is while a command's module is looked for (Python reference, Command line, -m)
    import types

    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"sandbox: needs Python 3.11, 3.12 or 3.13, and {sys.executable} is older; {_MAKE_ONE}")
    sys.excepthook = _explained
