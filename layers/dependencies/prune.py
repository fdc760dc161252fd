"""Leaves of botocore's data what the functions read: `python3 prune.py <botocore/data> <service> …`, run by the build.

Descriptions of services that nobody calls are most of the layer's size; of those that are called four fifths are sentences
for people, which take 4 ms of every cold start to unpack and read. The addresses of all services lie in one file, which takes
10 ms. And the rules by which botocore finds an address once more for each request lead to the same addresses; only those of
S3, which put a bucket's name into them, stay.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

RULES_NEEDED = {"s3"}


def prune(data: Path, services: set[str]) -> None:
    """Prune a folder of botocore's data to these services, named as their folders are. Raises OSError."""
    for folder in filter(Path.is_dir, list(data.iterdir())):
        if folder.name not in services:
            shutil.rmtree(folder)
            continue
        for model in folder.glob("*/service-2.json.gz"):
            _unpack(model)
        if folder.name not in RULES_NEEDED:
            for rules in folder.glob("*/endpoint-rule-set-1.json*"):
                rules.unlink()
    file = data / "endpoints.json"
    addresses = json.loads(file.read_text())
    for partition in addresses["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(services & known.keys())}
    file.write_text(json.dumps(addresses))


def _unpack(model: Path) -> None:
    """The same model without its sentences, as JSON that is not packed: botocore reads either."""
    told = _without_sentences(json.loads(gzip.decompress(model.read_bytes())))
    model.with_suffix("").write_text(json.dumps(told, separators=(",", ":")))
    model.unlink()


def _without_sentences(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_sentences(one) for one in part]
    if not isinstance(part, dict):
        return part
    # A member may have that name, too; what it is described by is no text. Not left out: botocore asks for some of them.
    return {
        name: "" if name == "documentation" and isinstance(one, str) else _without_sentences(one)
        for name, one in part.items()
    }


if __name__ == "__main__":
    prune(Path(sys.argv[1]), set(sys.argv[2:]))
