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


def test_dispatch_prints_one_object_with_rates_and_their_ratio():
    command = [sys.executable, "-m", "overskill", "bench", "dispatch", "--quick", "--json", "--apps", "5"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert 0 < found["ratio"] < 1.5
    assert set(found["rates"]) == {"direct", "forwarder", "loader", "dispatcher"}
    assert all(rate > 0 for rate in found["rates"].values())
    for arrangement in (found["oneWorkerd"], found["localEdge"]):
        loads = [(case["apps"], case["concurrency"]) for case in arrangement["cases"]]
        assert loads == [(1, 1), (1, 16), (5, 1), (5, 16)]
        assert 0 < arrangement["cold"]["p50Ms"] <= arrangement["cold"]["p99Ms"]
    assert [type(goal["met"]) for goal in found["goals"]] == [bool] * 4
    assert found["versions"].keys() == {"workerd", "vegeta"}


def test_a_dispatcher_that_gives_one_app_the_answer_of_another_is_not_measured(tmp_path: Path):
    (tmp_path / "index.js").write_text(WRONG)
    toolchain = Toolchain(ROOT)
    settings = Settings(apps=[2], rounds=1, seconds=0.1)
    bench = Bench(load=Load(toolchain.vegeta, tmp_path), settings=settings, source=tmp_path, folder=tmp_path)
    with pytest.raises(CommandError, match=r"1 of 2 answers were wrong(?s:.*)200  'bench0' instead of 200 'bench1'"):
        bench.one_workerd(toolchain.workerd)
