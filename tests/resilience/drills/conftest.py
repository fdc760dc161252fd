"""Drills take their time, and every request in them must succeed: they run alone, when they are named (`make drills`)."""

from tests.kit.console import certified, console

__all__ = ["certified", "console"]
