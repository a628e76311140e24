"""A report as a table, as JSON, and as SARIF, which code hosts show beside the stack files."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from overskill.drift.findings import DRIFTS, MEANINGS, Drift, Finding
from overskill.drift.sweep import Report
from overskill.fleet.limits import Calls
from overskill.progress import duration

CLEAN, DRIFTED, ERROR = 0, 7, 1
"""Exit codes: 7 is also that of `pulumi refresh --expect-no-changes`."""

LEVELS: dict[Drift, str] = {"missing": "error", "changed": "warning", "orphan": "warning", "foreign": "error"}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def exit_code(report: Report) -> int:
    return ERROR if report.problems else DRIFTED if report.findings else CLEAN


def show(report: Report, console: Console, calls: Calls, seconds: float) -> None:
    """A row a finding, then what was looked at."""
    if report.findings:
        table = Table("drift", "resource", "name", "stack", "detail", box=None, pad_edge=False)
        for column in table.columns:
            column.overflow = "fold"
        for one in report.findings:
            table.add_row(one.drift, one.resource, one.name, one.stack, one.detail)
        console.print(table, markup=False)
    for problem in report.problems:
        console.print(f"not looked at: {problem}", markup=False)
    counted = Counter(one.drift for one in report.findings)
    console.print(", ".join(f"{counted[drift]} {drift}" for drift in DRIFTS if counted[drift]) or "nothing differs")
    told = [
        f"{report.apps} apps, {report.scripts} scripts, {report.repositories} repositories",
        f"{report.looked} looked at closely, {report.examined} by the engine",
        f"{calls.cloudflare} calls to Cloudflare, {calls.github} to GitHub",
        duration(seconds),
    ]
    if report.skipped:
        told.append(f"{len(report.skipped)} under way or cut short, and left out")
    if report.others:
        told.append(f"{report.others} repositories of others")
    console.print("; ".join(told))


def as_json(report: Report, calls: Calls, seconds: float) -> str:
    content = dataclasses.asdict(report)
    return json.dumps({**content, "calls": dataclasses.asdict(calls), "seconds": round(seconds, 2)}, indent=2)


def as_sarif(findings: Sequence[Finding], files: dict[str, Path], version: str) -> str:
    """SARIF 2.1.0. `files` has the stack file of each stack, relative to the checkout."""
    rules = [
        {
            "id": drift,
            "shortDescription": {"text": MEANINGS[drift]},
            "defaultConfiguration": {"level": LEVELS[drift]},
        }
        for drift in DRIFTS
    ]
    driver = {"name": "overskill drift", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "results": [_result(one, files) for one in findings]}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(finding: Finding, files: dict[str, Path]) -> dict[str, Any]:
    subject = f"{finding.resource} {finding.name}"
    told = f"{subject} of {finding.stack}: {MEANINGS[finding.drift]}" + (f" ({finding.detail})" * bool(finding.detail))
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": subject, "kind": "resource"}]}
    if file := files.get(finding.stack):
        region = {"startLine": 1}
        location["physicalLocation"] = {"artifactLocation": {"uri": file.as_posix()}, "region": region}
    identity = hashlib.sha256(f"{finding.drift} {finding.stack} {subject}".encode()).hexdigest()
    return {
        "ruleId": finding.drift,
        "level": LEVELS[finding.drift],
        "message": {"text": told},
        "locations": [location],
        "partialFingerprints": {"drift/v1": identity},
    }
