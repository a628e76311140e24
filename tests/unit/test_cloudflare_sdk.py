"""The Cloudflare provider's SDK is loaded by whoever uses it, and by nobody else: it takes two CPU seconds."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("program", "loaded"),
    [
        ("import app_stacks.app", False),
        ("import overskill.up_command", False),
        ("from app_stacks.cloudflare_sdk import cloudflare; cloudflare.WorkersKv", True),
    ],
)
def test_who_loads_it(program, loaded):
    asked = f"import sys; {program}; print('pulumi_cloudflare.workers_kv' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", asked], cwd=Path(__file__).parents[2], capture_output=True, check=True)
    assert run.stdout == f"{loaded}\n".encode()
