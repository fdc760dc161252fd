"""checkov over the transformed template and the roles that deploy it: `make audit`. What it finds is mended, or has its reason in accepted.toml.

A finding without a reason fails, and so does a reason without a finding: both mean that somebody has to look.
"""

import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TEMPLATES = (ROOT / ".sandbox/audited.json", ROOT / "operations/github-role.yaml")
CHECKOV = ROOT / ".venv-audit/bin/checkov"


def unsettled(found: Iterable[Mapping[str, Any]], accepted: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """One sentence for each finding without a reason, and for each reason without a finding.

    `found` are checkov's failed checks, with check_id, check_name and resource (`Type.LogicalId`); `accepted` is
    accepted.toml: by check id `why`, and the resources' logical ids or one type in `of`.
    """
    told, needed = [], Counter[tuple[str, str]]()
    for finding in found:
        check, resource = finding["check_id"], finding["resource"]
        kind, _, logical_id = resource.rpartition(".")
        named = [each for each in accepted.get(check, {}).get("of", ()) if each in (kind, logical_id)]
        needed.update((check, each) for each in named)
        if not named:
            told.append(f"{check} {logical_id} ({kind}): {finding['check_name']}")
    for check, reason in accepted.items():
        told += [
            f"{check} {each}: has a reason in accepted.toml, and checkov no longer finds it"
            for each in reason["of"]
            if not needed[check, each]
        ]
    return told


def main() -> int:
    """Run checkov, which asks nobody and reads these files alone. Returns the exit status."""
    command = [
        CHECKOV,
        *(word for template in TEMPLATES for word in ("--file", template)),
        "--framework",
        "cloudformation",
        "--skip-download",
        "--output",
        "json",
    ]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    try:
        report = json.loads(run.stdout)
    except json.JSONDecodeError:
        print(run.stdout, run.stderr, file=sys.stderr)
        return 1
    summary, found = report["summary"], report["results"]["failed_checks"]
    accepted = tomllib.loads((HERE / "accepted.toml").read_text())
    told = unsettled(found, accepted)
    if summary["parsing_errors"] or not summary["passed"]:
        told.append("checkov could not read a template")
    for sentence in told:
        print(f"audit: {sentence}")
    print(
        f"checkov {summary['checkov_version']}: {summary['resource_count']} resources, {summary['passed']} checks passed,"
        f" {len(found)} findings of {len(accepted)} kinds with their reasons, {len(told)} to settle"
    )
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
