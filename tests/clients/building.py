"""Commands that must succeed, and our npm package from the file that would be published."""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from tests.kit.parameters import ROOT


def run(command: list[object], folder: Path, **environment: str) -> str:
    """What the command prints; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def unpacked(node_modules: Path, shop: Path) -> None:
    """Build the package with the tools of `node_modules`, and put it into the node_modules of the folder `shop`."""
    source = shop / "source"
    shutil.copytree(
        ROOT / "clients/typescript", source, ignore=shutil.ignore_patterns("node_modules", "dist")
    )
    (source / "node_modules").symlink_to(node_modules)
    run(["npm", "pack", "--silent", "--pack-destination", shop], source)
    (packed,) = shop.glob("*.tgz")
    modules = shop / "node_modules"
    modules.mkdir()
    with tarfile.open(packed) as archive:
        archive.extractall(modules, filter="data")
    (modules / "package").rename(modules / "wechatpay-backend")
