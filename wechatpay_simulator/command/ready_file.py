"""A file that appears when a server answers: whoever has started it waits for that, and reads where it is."""

import json
from collections.abc import Mapping
from pathlib import Path


def announce(file: Path, content: Mapping[str, object]) -> None:
    """Write it as JSON, in one piece: whoever waits for it never reads half of it. Raises OSError when it cannot be written."""
    announcement = file.with_name(file.name + ".new")
    announcement.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    announcement.replace(file)
