"""What commands against the local cloud work with: toolchain, plugins, the cloud, both programs' engines."""

import sys
from functools import cache, cached_property

import httpx

from overskill.checkout_cloud import local_config, of_checkout
from overskill.credentials import local_credentials
from overskill.engine import Engine, Outcome, local_environment
from overskill.errors import CommandError
from overskill.progress import step
from overskill.project import LOCAL_STACK, Project
from overskill.recovery import Clouds, bring_up
from overskill.template.publish import publish
from overskill.toolchain import Toolchain
from overskill.toolchain.providers import Mode, ProviderChoice, choose


class Session:
    """One command's view of the checkout and of one platform stack. Everything is made when it is first asked for."""

    def __init__(self, project: Project, providers: Mode | None = None, stack: str = LOCAL_STACK) -> None:
        self.project = project
        self.stack = stack
        self.cloud = of_checkout(project)
        self.config = local_config(project, stack)
        self.toolchain = Toolchain(project.root)
        self._mode = providers or self.config.overskill.providers

    @cached_property
    def providers(self) -> ProviderChoice:
        """The plugins of this run, which are told to the user as they are chosen."""
        choice = choose(self._mode, self.project.home, self.toolchain.pulumi)
        _tell(str(choice))
        return choice

    @cached_property
    def environment(self) -> dict[str, str]:
        """The engine's environment for the local cloud."""
        tools = self.toolchain.environment() | self.providers.environment()
        return local_environment(self.project, self.credentials) | tools

    @cached_property
    def credentials(self) -> dict[str, str]:
        """The local cloud's own, by the names of the environment's variables."""
        return local_credentials(self.project, self.cloud.credentials())

    @cached_property
    def platform(self) -> Engine:
        """The engine of the platform program."""
        return Engine(self.project, self.project.root, self.environment, policies=self.project.policies)

    @cached_property
    def apps(self) -> Engine:
        """The engine of the app program."""
        return Engine(self.project, self.project.apps, self.environment)

    def up_platform(self) -> Outcome:
        self.cloud.serve_zone(self.config.overskill.zone_name)
        return self._up(f"Platform {self.stack}", self.platform, self.stack, self.config.github.owner)

    def publish_template(self) -> None:
        """What apps start from is as this checkout has it, if the stack owns it."""
        if self.config.overskill.template == "own":
            with step(f"Template of {self.stack}: publish") as running:
                commit = publish(self.project, self.config, self.credentials)
                running.detail = commit[:7] if commit else "unchanged"

    def up_app(self, app_id: str) -> Outcome:
        owner = self.config.overskill.github_organization
        return self._up(f"App {app_id}", self.apps, self.app_stack(app_id), owner)

    def app_stack(self, app_id: str) -> str:
        return f"{self.stack}.{app_id}"

    def answer(self, url: str) -> httpx.Response:
        """What `url` answers, asked at 127.0.0.1: not every resolver knows `*.localhost`."""
        parsed = httpx.URL(url)
        host = parsed.netloc.decode()
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.get(parsed.copy_with(host="127.0.0.1"), headers={"Host": host})

    def _up(self, title: str, engine: Engine, stack: str, owner: str) -> Outcome:
        """Bring a stack up; after a run that did not end well, take up what it left. See `overskill/recovery.py`."""
        with step(f"{title}: pulumi up") as running, self.project.marked_run(stack) as unfinished:
            outcome, adopted = bring_up(engine, stack, self.clouds(owner), unfinished=unfinished)
            check(outcome, f"pulumi up of stack {stack}")
            running.detail = outcome.summary()
        if adopted:
            print(f"adopted what an interrupted run left: {', '.join(adopted)}", file=sys.stderr)
        for warning in outcome.warnings:
            print(warning, file=sys.stderr)
        return outcome

    def clouds(self, owner: str) -> Clouds:
        """Both APIs, for the repositories of `owner`."""
        config = self.config
        urls = str(config.cloudflare.base_url), str(config.github.base_url)
        return Clouds(urls, owner, self.environment, webhook_base=str(config.overskill.webhook_base))


@cache
def _tell(choice: str) -> None:
    """Once, however many stacks a command has to do with."""
    print(choice, file=sys.stderr)


def check(outcome: Outcome, what: str) -> None:
    """Raises `CommandError` with the engine's own words if a run has failed."""
    if not outcome.ok:
        raise CommandError(f"{what} failed:\n{outcome.failure()}\n(whole log: {outcome.log})")
