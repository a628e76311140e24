"""What keeps an app's data in one app environment: each has its own, so that a preview never touches production's."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from app_stacks.app_options import BINDINGS, DataKind
from app_stacks.cloudflare_sdk import cloudflare
from app_stacks.script_bindings import D1, R2, Binding, Kv


@dataclass(frozen=True, kw_only=True)
class AppDataArgs:
    """`name` is what each of `kinds` is called at Cloudflare."""

    account_id: str
    name: str
    kinds: Sequence[DataKind]


class AppData(pulumi.ComponentResource):
    """Outputs: `bindings`, what the app's script is bound to."""

    bindings: list[Binding]

    def __init__(self, name: str, args: AppDataArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:apps:AppData", name, None, opts)
        made = {"d1": _database, "kv": _namespace, "r2": _bucket}
        child = pulumi.ResourceOptions(parent=self)
        self.bindings = [made[kind](f"{name}-{kind}", args, child) for kind in args.kinds]
        self.register_outputs({})


def _database(name: str, args: AppDataArgs, opts: pulumi.ResourceOptions) -> Binding:
    return D1(BINDINGS["d1"], cloudflare.D1Database(name, account_id=args.account_id, name=args.name, opts=opts).id)


def _namespace(name: str, args: AppDataArgs, opts: pulumi.ResourceOptions) -> Binding:
    made = cloudflare.WorkersKvNamespace(name, account_id=args.account_id, title=args.name, opts=opts)
    return Kv(BINDINGS["kv"], made.id)


def _bucket(name: str, args: AppDataArgs, opts: pulumi.ResourceOptions) -> Binding:
    return R2(BINDINGS["r2"], cloudflare.R2Bucket(name, account_id=args.account_id, name=args.name, opts=opts).name)
