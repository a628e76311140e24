"""A thousand deploys of one bundle while every tenth call of Cloudflare's API fails, in each of its ways."""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from broker_world import NAMESPACES
from contract_process import ACCOUNT
from wrangler_world import Local, local_world

COUNT, AT_ONCE = 1_000, 2
STEP = Path(__file__).with_name("deploy_step.mjs")


def deployed(local: Local, folder: Path, number: int) -> str:
    """By a run with that number; what it complained of, if it failed in the end."""
    wrangler = local.wrangler(run_id=str(number))
    step = {
        "app": {"account": ACCOUNT, "cloudflare": f"{local.broker}/api/deploy"},
        "target": {"script": "shop", "namespace": NAMESPACES["production"]},
        "config": str(folder / "wrangler.json"),
        "program": str(wrangler.program),
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(local.home), "CLOUDFLARE_API_TOKEN": wrangler.token}
    command = ["node", str(STEP), json.dumps(step)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.slow
def test_nearly_every_deploy_succeeds_with_the_patience_of_the_pipeline(tmp_path: Path) -> None:
    with local_world(tmp_path) as local:
        source = "export default { fetch() { return new Response('by a thousand'); } };"
        folder = local.wrangler().project("thousand", source)
        hostile = {"name": "hostile", "seed": 8, "latencies": False, "enforce_limits": False}
        local.cloud.api("PUT", "/_local/profile", json=hostile)
        began = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            failures = [
                told for told in pool.map(lambda number: deployed(local, folder, number), range(1, COUNT + 1)) if told
            ]
        seconds = time.monotonic() - began
        local.cloud.api("PUT", "/_local/profile", json={"name": "instant"})
        assert local.answer("shop").text == "by a thousand"
        rows = len(local.deployments())
    print(f"\n{COUNT - len(failures)} of {COUNT} deploys in {seconds:.0f} s; {rows} of them on record")
    assert len(failures) <= COUNT / 1_000, failures[-1]
    assert rows >= COUNT - len(failures)
