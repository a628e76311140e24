"""The dispatch Worker: uploaded as it is in `dispatch_worker/src`, bound to the namespaces, live on workers.dev."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare

from infra.names import AppEnvironment

SOURCE = Path(__file__).parents[1] / "dispatch_worker" / "src"
COMPATIBILITY_DATE = "2026-10-01"


@dataclass(frozen=True, kw_only=True)
class DispatcherArgs:
    """`worker` is the Worker's name; `domain` the one whose first-level subdomains are scripts."""

    account_id: pulumi.Input[str]
    worker: str
    domain: str
    namespaces: Mapping[AppEnvironment, pulumi.Input[str]]


class Dispatcher(pulumi.ComponentResource):
    """Outputs: `worker`, the name of the Worker once a version of it is deployed."""

    worker: pulumi.Output[str]

    def __init__(self, name: str, args: DispatcherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Dispatcher", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        worker = cloudflare.Worker(
            name,
            account_id=args.account_id,
            name=args.worker,
            subdomain={"enabled": True, "previews_enabled": False},
            opts=child,
        )
        version = cloudflare.WorkerVersion(
            f"{name}-version",
            account_id=args.account_id,
            worker_id=worker.id,
            compatibility_date=COMPATIBILITY_DATE,
            main_module="index.js",
            modules=[_module(path) for path in sorted(SOURCE.glob("*.js"))],
            # Cloudflare answers with bindings sorted by name: another order would be a new version at each refresh.
            bindings=sorted(
                [
                    cloudflare.WorkerVersionBindingArgs(name="DOMAIN", type="plain_text", text=args.domain),
                    *(
                        cloudflare.WorkerVersionBindingArgs(
                            name=f"NAMESPACE_{app_environment.upper()}", type="dispatch_namespace", namespace=namespace
                        )
                        for app_environment, namespace in args.namespaces.items()
                    ),
                ],
                key=lambda binding: binding.name,
            ),
            opts=child,
        )
        deployment = cloudflare.WorkersDeployment(
            f"{name}-deployment",
            account_id=args.account_id,
            script_name=worker.name,
            strategy="percentage",
            versions=[{"percentage": 100, "version_id": version.id}],
            opts=child,
        )
        self.worker = deployment.script_name
        self.register_outputs({"worker": self.worker})


def _module(path: Path) -> cloudflare.WorkerVersionModuleArgs:
    return cloudflare.WorkerVersionModuleArgs(
        name=path.name,
        content_type="application/javascript+module",
        content_base64=base64.b64encode(path.read_bytes()).decode(),
    )
