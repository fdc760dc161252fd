"""Single changes planted in the money modules: does a test notice each? `make mutants MODULE=opening`.

Prints the share that was noticed for each module, and each change that was not. Ends with 1 when a share is below MIN_PER_CENT.
"""

import argparse
import os
import random
import sys
import threading
import time
from pathlib import Path

from werkzeug.serving import make_server

from sandbox.aws.aws import Aws
from sandbox.cloudformation.deployer import deploy
from tests.kit.parameters import PARAMETERS, TEMPLATE
from tests.resilience.mutants.planting import Mutant, mutants
from tests.resilience.mutants.reaching import ROOT
from tests.resilience.mutants.running import Runner

MIN_PER_CENT = 90  # per cent
FOLDERS = ("tests/payments", "tests/refunding", "tests/wechatpay")
MONEY = (
    *(
        "opening",
        "closing",
        "asking",
        "evidence",
        "facts",
        "settling",
        "schedule",
        "verdicts",
        "lifecycle",
        "json_body",
        "quotes",
    ),
    *(
        "order_intake",
        "admission",
        "allowance",
        "allowances",
        "payments",
        "looks",
        "items",
        "secrets",
        "sweeping",
        "backlog",
    ),
    *("pacing", "refunding", "refund_asking", "refund_evidence", "refunds", "refund_wish"),
    *("functions/query", "functions/sweep", "functions/settle", "functions/refund", "functions/close"),
)


def path_of(module: str) -> Path:
    """Where a module lies, in whichever room: `opening`, `wechatpay/client`, `functions/query`."""
    folder, _, name = module.rpartition("/")
    if folder == "functions":
        return ROOT / folder / name / "app.py"
    (found,) = (ROOT / "layers" / (folder or "payments")).rglob(f"{name}.py")
    return found


def main() -> int:
    """Plant, run, print."""
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument(
        "--module", nargs="*", help="opening, wechatpay/client, functions/query …; all money modules"
    )
    parser.add_argument("--limit", type=int, help="so many changes of each module, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", help="changes of these lines only: 120 or 120-140")
    parser.add_argument("--tests", nargs="*", default=FOLDERS, help="instead of the usual folders")
    given = parser.parse_args()
    os.environ |= {"TABLES": "memory", "THOROUGH": "1"}
    began = time.monotonic()
    aws = Aws()
    aws.start()
    deployed = aws, deploy(TEMPLATE, aws=aws, parameters=PARAMETERS)
    assert aws._server is not None
    shim = aws._server.app
    aws._server.shutdown()

    def woken() -> None:  # threads do not survive a fork: each process serves by itself
        aws._server = make_server("127.0.0.1", 0, shim, threaded=False)
        aws.url = f"http://127.0.0.1:{aws._server.server_port}"
        threading.Thread(target=aws._server.serve_forever, args=(0.05,), daemon=True).start()

    runner = Runner(given.tests, {"deployed": deployed}, woken)
    tests = runner.tests(ROOT / ".sandbox/mutants.pickle")
    for name in runner.red:
        print(f"red without any change, and left out: {name}")
    print(f"{len(tests.seen)} tests, {sum(spent for spent, _ in tests.seen.values()):.0f} s", flush=True)
    planted: dict[str, list[Mutant]] = {}
    for module in given.module or MONEY:
        found = mutants(path_of(module))
        if given.lines:
            first, _, last = given.lines.partition("-")
            found = [m for m in found if int(first) <= m.line <= int(last or first)]
        if given.limit and given.limit < len(found):
            found = sorted(random.Random(given.seed).sample(found, given.limit), key=lambda m: m.line)
        planted[module] = found
    shares = {}
    for module, found in planted.items():
        caught, started = 0, time.monotonic()
        for mutant, by in runner.judged(found, tests):
            caught += by is not None
            if by is None:
                told = mutant.path.relative_to(ROOT)
                unseen = "" if tests.of(mutant) else ", which no test executes"
                print(f"\n{told}:{mutant.line}: {mutant.what}{unseen}\n{mutant.diff()}", flush=True)
        shares[module] = (caught, len(found))
        print(f"\n{module}: {caught} of {len(found)} ({time.monotonic() - started:.0f} s)", flush=True)
    print()
    for module, (caught, all_) in shares.items():
        print(f"{module:24} {caught:4} of {all_:4}  {100 * caught / max(all_, 1):5.1f} %")
    caught, all_ = (sum(each) for each in zip(*shares.values(), strict=True))
    print(
        f"{'all':24} {caught:4} of {all_:4}  {100 * caught / max(all_, 1):5.1f} %  in {time.monotonic() - began:.0f} s"
    )
    return int(any(100 * caught < MIN_PER_CENT * all_ for caught, all_ in shares.values()))


if __name__ == "__main__":
    sys.exit(main())
