"""The dispatch Worker: uploaded as it is in `dispatch_worker/src`, bound to the namespaces, live on workers.dev."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_cloudflare as cloudflare
from pulumi_cloudflare import WorkerVersionBindingArgs as Binding

from infra.names import AppEnvironment
from infra.platform_config import Plan, PlatformConfig, Rollout
from infra.versioned_worker import VersionedWorker, WorkerProgram, compact_json

SOURCE = Path(__file__).parents[1] / "dispatch_worker" / "src"

OUTBOUND_PARAMETERS = ("app", "environment", "plan", "script", "services")
"""What the dispatch Worker tells the outbound Worker of a request; `dispatch_worker/src/apps.js` gives the values."""


@dataclass(frozen=True, kw_only=True)
class DispatcherArgs:
    """`worker` is the Worker's name; `domain` the one whose first-level subdomains are scripts.

    `outbound` is the name of the outbound Worker, `app_store` the id of the KV namespace of the apps' plans and
    services, `usage_dataset` an Analytics Engine dataset.
    """

    account_id: pulumi.Input[str]
    worker: str
    domain: str
    namespaces: Mapping[AppEnvironment, pulumi.Input[str]]
    outbound: pulumi.Input[str]
    app_store: pulumi.Input[str]
    usage_dataset: str
    plans: Mapping[str, Plan]
    default_plan: str
    rollout: Rollout | None
    protect: bool

    @classmethod
    def of(
        cls,
        platform: PlatformConfig,
        *,
        namespaces: Mapping[AppEnvironment, pulumi.Input[str]],
        outbound: pulumi.Input[str],
        app_store: pulumi.Input[str],
    ) -> "DispatcherArgs":
        return cls(
            account_id=platform.account_id,
            worker=platform.origins.worker,
            domain=platform.domain,
            namespaces=namespaces,
            outbound=outbound,
            app_store=app_store,
            usage_dataset=platform.usage_dataset,
            plans=platform.plans,
            default_plan=platform.default_plan,
            rollout=platform.rollout,
            protect=platform.protected,
        )


class Dispatcher(VersionedWorker):
    """Outputs: those of `VersionedWorker`."""

    def __init__(self, name: str, args: DispatcherArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        program = WorkerProgram(
            account_id=args.account_id,
            worker=args.worker,
            source=SOURCE,
            bindings=[
                Binding(name="APPS", type="kv_namespace", namespace_id=args.app_store),
                Binding(name="DEFAULT_PLAN", type="plain_text", text=args.default_plan),
                Binding(name="DOMAIN", type="plain_text", text=args.domain),
                Binding(name="PLANS", type="json", json=_limits(args.plans)),
                Binding(name="USAGE", type="analytics_engine", dataset=args.usage_dataset),
                *(
                    Binding(
                        name=f"NAMESPACE_{app_environment.upper()}",
                        type="dispatch_namespace",
                        namespace=namespace,
                        outbound=_outbound(args.outbound),
                    )
                    for app_environment, namespace in args.namespaces.items()
                ),
            ],
            protect=args.protect,
            public=True,
            rollout=args.rollout,
        )
        super().__init__("overskill:platform:Dispatcher", name, program, opts)


def _outbound(worker: pulumi.Input[str]) -> cloudflare.WorkerVersionBindingOutboundArgs:
    """On this type the parameters are objects, as the API has them; `WorkersScript` would want plain names."""
    return cloudflare.WorkerVersionBindingOutboundArgs(
        worker=cloudflare.WorkerVersionBindingOutboundWorkerArgs(service=worker),
        params=[cloudflare.WorkerVersionBindingOutboundParamArgs(name=name) for name in OUTBOUND_PARAMETERS],
    )


def _limits(plans: Mapping[str, Plan]) -> str:
    """What `get(script, {}, {limits})` takes, by plan: `{"free": {"cpuMs": 50, "subRequests": 50}}`."""
    limits = {name: {"cpuMs": plan.cpu_ms, "subRequests": plan.subrequests} for name, plan in plans.items()}
    return compact_json(limits)
