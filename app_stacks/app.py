"""An app: its repository, a script in each of its platform environment's namespaces, and what those need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pulumi

from app_stacks.app_data import AppData, AppDataArgs
from app_stacks.app_options import DataKind, Permission
from app_stacks.config import AppConfig, AppSecrets
from app_stacks.declaration import belongings, places
from app_stacks.hostname import AppHostname, AppHostnameArgs
from app_stacks.namespace_script import NamespaceScript, NamespaceScriptArgs
from app_stacks.pipeline import pipeline_secrets, pipeline_variables
from app_stacks.records import Store
from app_stacks.repository import AppRepository, AppRepositoryArgs
from app_stacks.script_bindings import Binding, PlainText, SecretText
from infra.names import APP_ENVIRONMENTS, AppEnvironment, Script, app_data, repository_webhook
from infra.outputs import PlatformOutputs


@dataclass(frozen=True, kw_only=True)
class AppArgs:
    """`AppConfig` says what each means; `display_name` is by default the app id."""

    app_id: str
    platform: PlatformOutputs
    secrets: AppSecrets
    display_name: str = ""
    environments: Sequence[AppEnvironment] = APP_ENVIRONMENTS
    plan: str | None = None
    services: Sequence[str] = ()
    visibility: Literal["private", "public"] = "private"
    template: str | None = None
    collaborators: Mapping[str, Permission] = field(default_factory=dict)
    team: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    hostnames: Sequence[str] = ()
    data: Sequence[DataKind] = ()

    def __post_init__(self) -> None:
        """Raises `pulumi.RunError` for what the platform has not."""
        platform = self.platform
        if missing := [e for e in self.environments if e not in platform.namespaces]:
            raise pulumi.RunError(
                f"the platform has no app environment {', '.join(missing)}: "
                "leave it out of overskill-apps:appEnvironments"
            )
        if self.plan and self.plan not in platform.plans:
            raise pulumi.RunError(f"overskill-apps:plan: the platform's are {', '.join(platform.plans)}")
        if self.hostnames and not platform.customer_hosts:
            raise pulumi.RunError(
                "overskill-apps:hostnames: the platform takes no customers' hosts: set overskill:customHostnames there"
            )

    @classmethod
    def of(cls, config: AppConfig, platform: PlatformOutputs, secrets: AppSecrets) -> "AppArgs":
        return cls(
            app_id=config.app_id,
            platform=platform,
            secrets=secrets,
            display_name=config.display_name,
            environments=config.app_environments,
            plan=config.plan,
            services=config.services,
            visibility=config.visibility,
            template=config.template,
            collaborators=config.collaborators,
            team=config.team,
            variables=config.variables,
            hostnames=config.hostnames,
            data=config.data,
        )

    @property
    def shown_name(self) -> str:
        return self.display_name or self.app_id

    @property
    def plan_name(self) -> str:
        return self.plan or self.platform.default_plan

    @property
    def recorded(self) -> bool:
        """Whether the dispatch Worker has to know anything of the app."""
        return bool(self.plan or self.services)


class App(pulumi.ComponentResource):
    """Outputs: `repository`, its full name; `scripts`, the script's name in each app environment; `hostnames`, what the
    customer has to declare for each host (`AppHostname.records`); `declaration`, the whole for the control plane."""

    repository: pulumi.Output[str]
    declaration: pulumi.Output[dict[str, Any]]
    scripts: dict[AppEnvironment, pulumi.Output[str]]
    hostnames: dict[str, pulumi.Output[dict[str, Any]]]

    def __init__(self, name: str, args: AppArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:apps:App", name, None, opts)
        self._name, self._child = name, pulumi.ResourceOptions(parent=self)
        store = Store(account_id=args.platform.account_id, namespace_id=args.platform.app_store)
        if args.recorded:
            store.app(f"{name}-record", args.app_id, args.plan, args.services, self._child)
        repository_args = self._repository_args(args)
        repository = AppRepository(name, repository_args, self._child)
        self.repository = repository.full_name
        declared = {environment: self._script(args, environment) for environment in args.environments}
        scripts = {e: NamespaceScript(f"{name}-{e}", script, self._child) for e, script in declared.items()}
        self.scripts = {environment: script.script for environment, script in scripts.items()}
        kept = belongings(args.app_id, repository_args, args.hostnames, recorded=args.recorded)
        self.declaration = self._declaration(args, repository, declared, kept)
        self.hostnames = self._hostnames(args, store, scripts["production"])
        self.register_outputs({"repository": self.repository, "scripts": self.scripts, "hostnames": self.hostnames})

    @staticmethod
    def _repository_args(args: AppArgs) -> AppRepositoryArgs:
        platform, secrets = args.platform, args.secrets
        return AppRepositoryArgs(
            name=args.app_id,
            description=args.shown_name,
            visibility=args.visibility,
            template=args.template or platform.template,
            environments=args.environments,
            oidc_subject=platform.oidc_subject,
            variables={
                **pipeline_variables(
                    args.app_id,
                    args.environments,
                    platform,
                    by_broker=secrets.cloudflare_token is None,
                    cloudflare=pulumi.Config("cloudflare").get("baseUrl"),
                ),
                **args.variables,
            },
            secrets=pipeline_secrets(secrets),
            collaborators=args.collaborators,
            team=args.team,
            webhook_url=repository_webhook(platform.webhook_base),
            webhook_secret=secrets.webhook,
        )

    def _script(self, args: AppArgs, environment: AppEnvironment) -> NamespaceScriptArgs:
        """The limits are the plan's, and the dispatch Worker's to set at each request: a changed plan holds at once."""
        platform, namespace = args.platform, args.platform.namespaces[environment]
        return NamespaceScriptArgs(
            account_id=platform.account_id,
            namespace=namespace,
            script=Script(app_id=args.app_id, environment=environment).name,
            tags=[
                f"app-{args.app_id}",
                f"environment-{environment}",
                f"platform-{platform.platform_environment}",
                f"plan-{args.plan_name}",
            ],
            bindings=[
                PlainText("OVERSKILL_APP_NAME", args.shown_name),
                PlainText("OVERSKILL_ENVIRONMENT", environment),
                *(PlainText(variable, text) for variable, text in args.variables.items()),
                *(SecretText(secret, value) for secret, value in args.secrets.declared.items()),
                *self._data(args, environment),
            ],
        )

    @staticmethod
    def _declaration(
        args: AppArgs,
        repository: AppRepository,
        scripts: Mapping[AppEnvironment, NamespaceScriptArgs],
        kept: Mapping[str, Any],
    ) -> pulumi.Output[dict[str, Any]]:
        """As `control_plane.apps.Declaration` has it."""
        origins = args.platform.origins
        return pulumi.Output.from_input(
            {
                "app_id": args.app_id,
                "display_name": args.shown_name,
                "plan": args.plan_name,
                "repository": repository.full_name,
                "repository_id": repository.number,
                "path_url": origins.path_url(scripts["production"].script),
                "places": places(scripts, origins),
                "belongings": kept,
            }
        )

    def _data(self, args: AppArgs, environment: AppEnvironment) -> list[Binding]:
        if not args.data:
            return []
        data = AppDataArgs(
            account_id=args.platform.account_id,
            name=app_data(args.platform.namespaces[environment], args.app_id),
            kinds=args.data,
        )
        return AppData(f"{self._name}-{environment}-data", data, self._child).bindings

    def _hostnames(
        self, args: AppArgs, store: Store, script: NamespaceScript
    ) -> dict[str, pulumi.Output[dict[str, Any]]]:
        """Once the production script is there, which answers at all of them."""
        if not (args.hostnames and (hosts := args.platform.customer_hosts)):
            return {}
        opts = pulumi.ResourceOptions(parent=self, depends_on=[script])
        name = Script(app_id=args.app_id, environment="production").name
        return {
            hostname: AppHostname(
                f"{self._name}-{hostname}",
                AppHostnameArgs(hostname=hostname, script=name, customer_hosts=hosts, store=store),
                opts,
            ).records
            for hostname in args.hostnames
        }
