"""The outbound Worker: every `fetch` of an app passes it, and the app's plan says which may go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_cloudflare import WorkerVersionBindingArgs as Binding

from infra.names import outbound_worker
from infra.platform_config import Plan, PlatformConfig
from infra.versioned_worker import VersionedWorker, WorkerProgram, compact_json

SOURCE = Path(__file__).parents[1] / "outbound_worker" / "src"


@dataclass(frozen=True, kw_only=True)
class OutboundArgs:
    """`worker` is the Worker's name; denials are written to `usage_dataset`."""

    account_id: pulumi.Input[str]
    worker: str
    plans: Mapping[str, Plan]
    default_plan: str
    usage_dataset: str
    protect: bool

    @classmethod
    def of(cls, platform: PlatformConfig) -> "OutboundArgs":
        return cls(
            account_id=platform.account_id,
            worker=outbound_worker(platform.prefix, platform.platform_environment),
            plans=platform.plans,
            default_plan=platform.default_plan,
            usage_dataset=platform.usage_dataset,
            protect=platform.protected,
        )


class Outbound(VersionedWorker):
    """Outputs: those of `VersionedWorker`. It is on no route and not on workers.dev."""

    def __init__(self, name: str, args: OutboundArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        egress = {plan: settings.egress.model_dump() for plan, settings in args.plans.items()}
        program = WorkerProgram(
            account_id=args.account_id,
            worker=args.worker,
            source=SOURCE,
            bindings=[
                Binding(name="DEFAULT_PLAN", type="plain_text", text=args.default_plan),
                Binding(name="EGRESS", type="json", json=compact_json(egress)),
                Binding(name="USAGE", type="analytics_engine", dataset=args.usage_dataset),
            ],
            protect=args.protect,
        )
        super().__init__("overskill:platform:Outbound", name, program, opts)
