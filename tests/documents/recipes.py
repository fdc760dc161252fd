"""The templates that documents have for copying; `python -m tests.documents.recipes FOLDER` writes each to a file, for cfn-lint."""

import sys
from pathlib import Path

from tests.documents.blocks import BLOCKS

BEGINNING = "AWSTemplateFormatVersion"


def templates() -> dict[str, str]:
    """By the name of a file: events-73.yaml is the one in line 73 of docs/events.md."""
    return {
        f"{Path(block.document).stem}-{block.line}.yaml": block.text
        for block in BLOCKS
        if block.language == "yaml" and block.text.startswith(BEGINNING)
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.yaml"):
        old.unlink()
    for name, text in templates().items():
        (folder / name).write_text(text)
