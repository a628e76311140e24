"""Programs and components under Pulumi's mocks: what they register, with which inputs."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

ROOT = Path(__file__).parents[2]
ZONE_ID = "zone-1"
SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
COMPUTED = {
    "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace": lambda i: {
        "namespaceName": i["name"]
    },
    "github:index/repository:Repository": lambda i: {"fullName": f"owner/{i['name']}"},
}


class Recorder(Mocks):
    """Keeps every registration. `stack_outputs` are what a StackReference answers."""

    def __init__(self, stack_outputs: dict[str, Any]) -> None:
        self.resources: list[MockResourceArgs] = []
        self.stack_outputs = stack_outputs

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.inputs["name"], {"name": args.inputs["name"], "outputs": self.stack_outputs}
        self.resources.append(args)
        return f"{args.name}-id", {**args.inputs, **COMPUTED.get(args.typ, lambda _: {})(args.inputs)}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        assert args.token == "cloudflare:index/getZone:getZone", args.token
        return {"zoneId": ZONE_ID, "name": args.args["filter"]["name"]}

    def of(self, type_: str) -> dict[str, dict[str, Any]]:
        """The inputs of the resources whose type ends in `type_`, by name."""
        return {r.name: plain(r.inputs) for r in self.resources if r.typ.rpartition(":")[2] == type_}

    @property
    def types(self) -> set[str]:
        return {r.typ for r in self.resources}


def plain(value: Any) -> Any:
    """`value` with every secret in it unwrapped."""
    if isinstance(value, dict):
        if SECRET_SIGNATURE in value:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def run_program() -> Callable[..., Recorder]:
    """Run the program of `folder` as `stack`, with `config`, and give what it registered."""

    def run(
        folder: str, stack: str, config: dict[str, Any] | None = None, stack_outputs: dict[str, Any] | None = None
    ) -> Recorder:
        project = yaml.safe_load((ROOT / ("." if folder == "infra" else folder) / "Pulumi.yaml").read_text())["name"]
        recorder = Recorder(stack_outputs or {})
        pulumi.runtime.set_mocks(recorder, project=project, stack=stack, preview=False)
        pulumi.runtime.set_all_config(config or {})

        @pulumi.runtime.test
        def program() -> None:
            runpy.run_path(str(ROOT / folder / "__main__.py"))

        program()
        return recorder

    return run


def stack_config(stack: str) -> dict[str, Any]:
    """The committed values of a platform stack."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
