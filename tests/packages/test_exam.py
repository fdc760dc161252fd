"""The exam in the simulator's wheel: a backend that believes nobody passes the row about forgers, one that believes all does not."""

from pathlib import Path

import pytest

from tests.kit.serving import Answering, serving
from tests.packages.installed import Installed


@pytest.mark.parametrize(("answers", "status"), [(401, 0), (200, 1)])
def test_a_backend_is_examined(simulator: Installed, tmp_path: Path, answers: int, status: int) -> None:
    class Handler(Answering):
        def do_POST(self) -> None:
            self.body()
            self.answer(answers, b'{"code": "FAIL", "message": "who are you?"}')

    report = tmp_path / "report.xml"
    words = [simulator.script("wechatpay-simulator"), "exam", "--only", "forged", "--junit", report]
    words += ["--credentials", tmp_path / "credentials.json"]
    with serving(Handler) as origin:
        told = simulator.run(*words, "--notify", f"{origin}/notify", status=status)
    assert "forged" in told
    assert "forged" in report.read_text(encoding="utf-8")
