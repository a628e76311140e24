"""Programs and components under Pulumi's mocks: what they register, with which inputs."""

import json
import runpy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

ROOT = Path(__file__).parents[2]
ZONE_ID = "zone-1"
SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"
COMPUTED = {
    "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace": lambda i: {
        "namespaceName": i["name"]
    },
    "cloudflare:index/customHostname:CustomHostname": lambda i: {
        "status": "pending",
        "ownershipVerification": {"type": "txt", "name": f"_cf-custom-hostname.{i['hostname']}", "value": "token"},
        "ownershipVerificationHttp": {"httpUrl": f"http://{i['hostname']}/.well-known/token", "httpBody": "token"},
    },
    "github:index/repository:Repository": lambda i: {"fullName": f"owner/{i['name']}", "repoId": 7},
}


class Recorder(Mocks):
    """Keeps every registration, call and output. `stack_outputs` are what a StackReference answers."""

    def __init__(self, stack_outputs: dict[str, Any]) -> None:
        self.resources: list[MockResourceArgs] = []
        self.calls: list[MockCallArgs] = []
        self.options: dict[str, dict[str, Any]] = {}
        self.parents: set[tuple[tuple[str, ...], str]] = set()
        self.outputs: dict[str, Any] = {}
        self.stack_outputs = stack_outputs

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.inputs["name"], {"name": args.inputs["name"], "outputs": self.stack_outputs}
        self.resources.append(args)
        return f"{args.name}-id", {**args.inputs, **COMPUTED.get(args.typ, lambda _: {})(args.inputs)}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        self.calls.append(args)
        match args.token:
            case "cloudflare:index/getZone:getZone":
                return {"zoneId": ZONE_ID, "name": args.args["filter"]["name"]}
            case "github:index/getRepository:getRepository":
                return {"fullName": args.args["fullName"]}
            case _:
                raise AssertionError(f"the program calls {args.token}")

    def note_options(self, request: Any) -> None:
        """Keep what decides over the life of what exists: where a resource is, and those of its options that do."""
        above = request.parent.split("::")[2] if "::" in request.parent else ""
        lineage = [type_ for type_ in above.split("$") if type_ not in {"", "pulumi:pulumi:Stack"}]
        self.parents.add(((*lineage, request.type), request.name))
        options = {
            "protect": request.protect,
            "ignoreChanges": list(request.ignoreChanges),
            "import": request.importId,
            "deleteBeforeReplace": request.deleteBeforeReplace,
            "retainOnDelete": request.retainOnDelete,
        }
        self.options[request.name] = {name: value for name, value in options.items() if value}

    def export(self, name: str, value: Any) -> None:
        """Stands in for `pulumi.export`."""
        pulumi.Output.from_input(value).apply(lambda known: self.outputs.update({name: plain(known)}))

    def of(self, type_: str) -> dict[str, dict[str, Any]]:
        """The inputs of the resources whose type ends in `type_`, by name."""
        return {r.name: plain(r.inputs) for r in self.resources if r.typ.rpartition(":")[2] == type_}

    @property
    def types(self) -> set[str]:
        return {r.typ for r in self.resources}


def as_engine_gives_it(value: Any) -> str:
    """A value of a stack file as the program gets it: as text, and as JSON where it is structured."""
    return value if isinstance(value, str) else json.dumps(value)


def plain(value: Any) -> Any:
    """`value` with every secret in it unwrapped."""
    if isinstance(value, dict):
        if SECRET_SIGNATURE in value:
            return plain(value["value"])
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def without_secrets(value: Any) -> Any:
    """`value` as somebody who may not decrypt sees it."""
    if isinstance(value, dict):
        if SECRET_SIGNATURE in value:
            return "[secret]"
        return {key: without_secrets(item) for key, item in value.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def run_program(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recorder]:
    """Run the program of `folder` as `stack`, with `config`, and give what it registered."""

    def run(
        folder: str,
        stack: str,
        config: dict[str, Any] | None = None,
        stack_outputs: dict[str, Any] | None = None,
        secret_keys: Sequence[str] = (),
    ) -> Recorder:
        project = yaml.safe_load((ROOT / ("." if folder == "infra" else folder) / "Pulumi.yaml").read_text())["name"]
        recorder = Recorder(stack_outputs or {})
        pulumi.runtime.set_mocks(recorder, project=project, stack=stack, preview=False)
        given = {key: as_engine_gives_it(value) for key, value in (config or {}).items()}
        pulumi.runtime.set_all_config(given, secret_keys=[key for key in secret_keys if key in given])
        monkeypatch.setattr(pulumi, "export", recorder.export)
        register = MockMonitor.RegisterResource

        def recording(monitor: MockMonitor, request: Any) -> Any:
            recorder.note_options(request)
            return register(monitor, request)

        monkeypatch.setattr(MockMonitor, "RegisterResource", recording)

        @pulumi.runtime.test
        def program() -> None:
            runpy.run_path(str(ROOT / folder / "__main__.py"))

        program()
        return recorder

    return run


def stack_config(stack: str) -> dict[str, Any]:
    """The committed values of a platform stack."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
