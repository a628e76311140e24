"""An account Worker as three resources: itself, a version of its code and bindings, and what share of requests it gets.

pulumi-cloudflare's `WorkersScript` takes one module and no share; see docs/adr/0005-dispatch-worker-as-versions.md.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare

from infra.platform_config import Rollout

COMPATIBILITY_DATE = "2026-10-01"
ENTRY = "index.js"


@dataclass(frozen=True, kw_only=True)
class WorkerProgram:
    """`worker` is its name; every `*.js` of `source` is a module, `index.js` the main one. `public`: on workers.dev.

    With a `rollout`, the version made of `source` gets its percentage of the requests only. `protect` keeps Pulumi from
    deleting the Worker.
    """

    account_id: pulumi.Input[str]
    worker: str
    source: Path
    bindings: Sequence[cloudflare.WorkerVersionBindingArgs]
    protect: bool
    public: bool = False
    rollout: Rollout | None = None


class VersionedWorker(pulumi.ComponentResource):
    """Outputs: `worker`, the name of the Worker once it is deployed; `version`, the id of the version made here."""

    worker: pulumi.Output[str]
    version: pulumi.Output[str]

    def __init__(self, token: str, name: str, program: WorkerProgram, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(token, name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        if program.rollout:
            share = 100 - program.rollout.percentage
            pulumi.log.warn(
                f"overskill:rollout is set: version {program.rollout.stable} of {program.worker} serves {share}% of "
                "the requests, with the code and the bindings that it was made with",
                self,
            )
        worker = cloudflare.Worker(
            name,
            account_id=program.account_id,
            name=program.worker,
            subdomain=cloudflare.WorkerSubdomainArgs(enabled=program.public, previews_enabled=False),
            observability=cloudflare.WorkerObservabilityArgs(enabled=True, head_sampling_rate=1),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=program.protect,
                # Its versions are bound to what it depends on, and keep that from being deleted before the Worker is.
                depends_on=opts.depends_on if opts else None,
            ),
        )
        version = cloudflare.WorkerVersion(
            f"{name}-version",
            account_id=program.account_id,
            worker_id=worker.id,
            compatibility_date=COMPATIBILITY_DATE,
            main_module=ENTRY,
            modules=[_module(path) for path in sorted(program.source.glob("*.js"))],
            # Cloudflare answers with bindings sorted by name: another order would be a new version at each refresh.
            bindings=sorted(program.bindings, key=lambda binding: binding.name),
            opts=child,
        )
        deployment = cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=program.account_id,
            script_name=worker.name,
            strategy="percentage",
            versions=version.id.apply(lambda id_: _shares(id_, program.rollout)),
            opts=child,
        )
        self.worker = deployment.script_name
        self.version = version.id
        self.register_outputs({"worker": self.worker, "version": self.version})


def _shares(version: str, rollout: Rollout | None) -> list[cloudflare.WorkersDeploymentVersionArgs]:
    """In one order, which the provider takes for a part of the value.

    Without a share of 0, which the provider refuses, and with no version twice, which Cloudflare refuses.
    """
    new = 100 if rollout is None or rollout.stable == version else rollout.percentage
    shares = [(100 - new, rollout.stable if rollout else ""), (new, version)]
    return [cloudflare.WorkersDeploymentVersionArgs(percentage=share, version_id=id_) for share, id_ in shares if share]


def _module(path: Path) -> cloudflare.WorkerVersionModuleArgs:
    return cloudflare.WorkerVersionModuleArgs(
        name=path.name,
        content_type="application/javascript+module",
        content_base64=base64.b64encode(path.read_bytes()).decode(),
    )


def compact_json(value: object) -> str:
    """A JSON binding's text, the same for the same value: another text would be another version of the Worker."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
