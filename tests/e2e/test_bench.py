"""`overskill bench` with the real runtime, the real load generator and a local cloud."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from overskill.bench.dispatch import Bench
from overskill.bench.dispatch_result import Settings
from overskill.bench.load import Load
from overskill.errors import CommandError
from overskill.toolchain import Toolchain

WRONG = """
export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    return env.NAMESPACE_PRODUCTION.get(name === "bench1" ? "bench0" : name).fetch(request);
  },
};
"""


def test_all_of_them_compare_within_one_run(tmp_path: Path):
    page = tmp_path / "benchmarks.md"
    command = [sys.executable, "-m", "overskill", "bench", "all", "--quick", "--json", "--page", str(page)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    results = found["results"]
    assert results.keys() == found["ratios"].keys() == {"push", "check", "control-plane", "provision", "dispatch"}
    assert all(f"`./dev bench {name}`" in page.read_text() for name in results)

    dispatch = results["dispatch"]
    assert 0.2 < dispatch["ratio"] < 3
    assert set(dispatch["rates"]) == {"direct", "forwarder", "loader", "dispatcher"}
    for arrangement in (dispatch["oneWorkerd"], dispatch["localEdge"]):
        loads = [(case["apps"], case["concurrency"]) for case in arrangement["cases"]]
        assert loads == [(1, 1), (1, 16), (20, 1), (20, 16)]
        assert 0 < arrangement["cold"]["p50Ms"] <= arrangement["cold"]["p99Ms"]

    rows = {row["contender"]: row for row in results["provision"]["rows"]}
    assert rows.keys() == {"floor", "fleet", "loop", "alchemy"}
    floor = rows["floor"]["callsPerApp"]
    assert floor == {"cloudflare": 3, "github": 11, "content": 10}
    assert all(floor[kind] <= rows["fleet"]["callsPerApp"][kind] for kind in floor)
    assert rows["fleet"]["secondsOfFloor"] == results["provision"]["ratio"] > 1

    assert results["check"]["ratio"] > 0.5
    assert 0.02 < results["control-plane"]["ratio"] < 1
    assert results["control-plane"]["growth"][0]["exponent"] < 1
    assert 0 < results["control-plane"]["fanOut"]["seconds"]["p99"] < 60
    assert 1 <= results["push"]["ratio"] < 5
    assert set(results["push"]["phases"]) == {"queued", "building", "built", "uploaded", "succeeded"}


def test_a_dispatcher_that_gives_one_app_the_answer_of_another_is_not_measured(tmp_path: Path):
    (tmp_path / "index.js").write_text(WRONG)
    toolchain = Toolchain(ROOT)
    settings = Settings(apps=[2], rounds=1, seconds=0.1)
    bench = Bench(load=Load(toolchain.vegeta, tmp_path), settings=settings, source=tmp_path, folder=tmp_path)
    with pytest.raises(CommandError, match=r"1 of 2 answers were wrong(?s:.*)200  'bench0' instead of 200 'bench1'"):
        bench.one_workerd(toolchain.workerd)
