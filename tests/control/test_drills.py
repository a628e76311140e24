"""A few drills of each kind that takes seconds; `overskill drill` runs all of them."""

import json
import subprocess
import sys


def test_a_few_drills_end_right():
    command = [sys.executable, "-m", "overskill", "drill", "--quick", "--json", "--seed", "3"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert {row["drill"] for row in rows} >= {"an app's scripts", "suspend and resume", "deploy"}
    assert {row["end"] for row in rows} <= {"by itself", "told"}
    assert any("kill -9" in row["fault"] for row in rows)
