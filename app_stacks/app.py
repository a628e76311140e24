"""An app: its repository, and a script in each of its platform environment's namespaces."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from app_stacks.namespace_script import NamespaceScript, NamespaceScriptArgs
from app_stacks.repository import AppRepository, AppRepositoryArgs
from app_stacks.script_bindings import PlainText
from infra.names import AppEnvironment, Script


@dataclass(frozen=True, kw_only=True)
class AppArgs:
    """`display_name` is what people read, by default the app id; `namespaces` those that get a script of the app."""

    app_id: str
    display_name: str = ""
    account_id: pulumi.Input[str]
    namespaces: Mapping[AppEnvironment, pulumi.Input[str]]
    template: pulumi.Input[str]
    webhook_url: pulumi.Input[str]
    webhook_secret: pulumi.Input[str]


class App(pulumi.ComponentResource):
    """Outputs: `repository`, its full name; `scripts`, the script's name in each app environment."""

    repository: pulumi.Output[str]
    scripts: dict[AppEnvironment, pulumi.Output[str]]

    def __init__(self, name: str, args: AppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:apps:App", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        display_name = args.display_name or args.app_id
        self.repository = AppRepository(
            name,
            AppRepositoryArgs(
                name=args.app_id,
                description=display_name,
                template=args.template,
                webhook_url=args.webhook_url,
                webhook_secret=args.webhook_secret,
            ),
            opts=child,
        ).full_name
        self.scripts = {
            environment: NamespaceScript(
                f"{name}-{environment}",
                NamespaceScriptArgs(
                    account_id=args.account_id,
                    namespace=namespace,
                    script=Script(app_id=args.app_id, environment=environment).name,
                    tags=[f"app-{args.app_id}", f"environment-{environment}"],
                    bindings=[
                        PlainText("OVERSKILL_APP_NAME", display_name),
                        PlainText("OVERSKILL_ENVIRONMENT", environment),
                    ],
                ),
                opts=child,
            ).script
            for environment, namespace in args.namespaces.items()
        }
        self.register_outputs({"repository": self.repository, "scripts": self.scripts})
