"""A layer of ours is its package and nothing besides: what else lies in its folder, for the package index, is not deployed."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("layer", "target"), [("wechatpay", "WechatpayLayer"), ("payments", "PaymentsLayer")]
)
def test_a_layer_is_its_package_alone(layer: str, target: str, tmp_path: Path) -> None:
    folder = ROOT / "layers" / layer
    build = ["make", "-s", "-C", str(folder), f"build-{target}", f"ARTIFACTS_DIR={tmp_path}"]
    subprocess.run(build, check=True, timeout=60)
    deployed = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    sources = {path.relative_to(folder).as_posix() for path in (folder / layer).rglob("*.py")}
    assert {path for path in deployed if not path.endswith(".pyc")} == {
        f"python/{path}" for path in (*sources, f"{layer}/py.typed")
    }
