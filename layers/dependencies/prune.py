"""Leaves of botocore's data what the functions read: `python3 prune.py <botocore/data> <service> …`, run by the build.

Descriptions of services that nobody calls are most of the layer's size. The addresses of all services lie in one file,
which takes 10 ms of every cold start to read. And the rules by which botocore finds an address once more for each request
lead to the same addresses; only those of S3, which put a bucket's name into them, stay.
"""

import json
import shutil
import sys
from pathlib import Path

RULES_NEEDED = {"s3"}


def prune(data: Path, services: set[str]) -> None:
    """Prune a folder of botocore's data to these services, named as their folders are. Raises OSError."""
    for folder in filter(Path.is_dir, list(data.iterdir())):
        if folder.name not in services:
            shutil.rmtree(folder)
        elif folder.name not in RULES_NEEDED:
            for rules in folder.glob("*/endpoint-rule-set-1.json*"):
                rules.unlink()
    file = data / "endpoints.json"
    addresses = json.loads(file.read_text())
    for partition in addresses["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(services & known.keys())}
    file.write_text(json.dumps(addresses))


if __name__ == "__main__":
    prune(Path(sys.argv[1]), set(sys.argv[2:]))
