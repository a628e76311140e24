"""The dispatch Worker: uploaded as it is in `dispatch_worker/src`, bound to the namespaces, live on workers.dev."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_cloudflare as cloudflare
from pulumi_cloudflare import WorkerVersionBindingArgs as Binding

from infra.names import AppEnvironment
from infra.platform_config import PlatformConfig, Rollout
from infra.versioned_worker import VersionedWorker, WorkerProgram, compact_json

SOURCE = Path(__file__).parents[1] / "dispatch_worker" / "src"

OUTBOUND_PARAMETERS = ("app", "environment", "plan", "script", "services")
"""What the dispatch Worker tells the outbound Worker of a request; `dispatch_worker/src/apps.js` gives the values."""


@dataclass(frozen=True, kw_only=True)
class DispatcherArgs:
    """`worker` is the Worker's name; `settings` what it is told of the platform, as `settings_of` gives it.

    `outbound` is the name of the outbound Worker, `app_store` the id of the KV namespace of what is known of the apps,
    `usage_dataset` an Analytics Engine dataset, `access_key` the key to protected previews, None where there are none.
    """

    account_id: pulumi.Input[str]
    worker: str
    settings: Mapping[str, Any]
    namespaces: Mapping[AppEnvironment, pulumi.Input[str]]
    outbound: pulumi.Input[str]
    app_store: pulumi.Input[str]
    usage_dataset: str
    access_key: pulumi.Input[str] | None
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
        access_key: pulumi.Input[str] | None,
    ) -> "DispatcherArgs":
        return cls(
            account_id=platform.account_id,
            worker=platform.origins.worker,
            settings=settings_of(platform),
            namespaces=namespaces,
            outbound=outbound,
            app_store=app_store,
            usage_dataset=platform.usage_dataset,
            access_key=access_key,
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
                Binding(name="SETTINGS", type="json", json=compact_json(args.settings)),
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
                *([Binding(name="ACCESS_KEY", type="secret_text", text=args.access_key)] if args.access_key else []),
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


def settings_of(platform: PlatformConfig) -> dict[str, Any]:
    """The binding `SETTINGS`, as `dispatch_worker/src` reads it; `plans` has what `get(script, {}, {limits})` takes."""
    origins, previews = platform.origins, platform.previews
    return {
        "domain": origins.domain,
        "pathHost": origins.path_host,
        "redirectPaths": platform.redirect_paths,
        "cacheSeconds": platform.app_cache_seconds,
        "plans": {
            name: {"cpuMs": plan.cpu_ms, "subRequests": plan.subrequests} for name, plan in platform.plans.items()
        },
        "defaultPlan": platform.default_plan,
        "parentCookies": platform.parent_cookies,
        "protectedEnvironments": previews.protect,
        "loginUrl": str(previews.login_url) if previews.login_url else None,
    }
