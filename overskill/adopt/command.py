"""`overskill adopt`."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import typer
import yaml

from app_stacks.cloudflare_api import base_url
from infra.config import ConfigError, parse
from infra.names import PlatformEnvironment
from overskill import app_stack_file
from overskill.adopt import apps, platform
from overskill.adopt.apps import Hand
from overskill.adopt.imports import ADOPTED
from overskill.doctor.github import OFFICIAL_URL
from overskill.drift.apis import Access, Apis
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.fleet.platform import Platform
from overskill.fleet.projects import home
from overskill.progress import step
from overskill.project import Project
from overskill.recovery import Clouds
from overskill.recovery import adopt as take_up
from overskill.session import check
from overskill.stack_context import StackContext

ENVIRONMENTS: tuple[PlatformEnvironment, ...] = get_args(PlatformEnvironment)
FOUND_IN_THE_APPS = ("webhookBase", "apiBase")
KEPT = ("githubOrganization", "template", "templateRepository", "githubApp", "edge", "providers", *FOUND_IN_THE_APPS)
"""Keys that no account tells, taken from the stack that this one is to be like."""

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is adopted, and into which stack. `like` is a stack whose services and other settings hold for it too."""

    stack: str
    like: str
    account: str
    organization: str
    prefix: str
    environment: PlatformEnvironment


def adopt(  # noqa: PLR0913 - an option each
    stack: Annotated[str, typer.Option(help="The platform stack to make; its file is written, or taken as it is.")],
    *,
    like: Annotated[str, typer.Option(help="A stack whose services, credentials and hooks hold for it too.")] = "",
    account: Annotated[str, typer.Option(help="The Cloudflare account's id. [default: that of --like]")] = "",
    organization: Annotated[str, typer.Option(help="Owns the apps' repositories. [default: that of --like]")] = "",
    prefix: Annotated[str, typer.Option(help="Begins the names of namespaces and Workers.")] = "overskill",
    environment: Annotated[str, typer.Option(help=f"One of {', '.join(ENVIRONMENTS)}.")] = "production",
    yes: Annotated[bool, typer.Option("--yes", help="Write the files, and import.")] = False,
) -> None:
    """Take up a platform that was made by hand: read account and organisation, write stack files, import."""
    if environment not in ENVIRONMENTS:
        raise CommandError(f"--environment: {environment} is none of {', '.join(ENVIRONMENTS)}")
    project = Project()
    wanted = Wanted(
        stack=stack,
        like=like,
        account=account,
        organization=organization,
        prefix=prefix,
        environment=environment,
    )
    values, hands = _read(project, wanted)
    print(yaml.safe_dump({"config": values}).strip())
    for hand in hands:
        print(f"app {hand.app_id}: {hand.problem or ', '.join(f'{k}: {v}' for k, v in hand.own.items())}")
    if not yes:
        print(
            f"nothing was written: --yes writes Pulumi.{stack}.yaml and the apps' files, and imports", file=sys.stderr
        )
        return
    file = project.root / f"Pulumi.{stack}.yaml"
    if not file.exists():
        file.write_text(yaml.safe_dump({"config": values}))
    whole = _adopt_platform(project, stack)
    left = [hand for hand in hands if hand.problem]
    if whole:
        with step(f"Apps of {stack}: import") as running:
            taken = [hand for hand in hands if not hand.problem]
            _adopt_apps(project, stack, taken)
            running.detail = f"{len(taken)} taken up, {len(left)} left alone"
    else:
        print(f"bring the platform up (pulumi up -s {stack}), then run this again for its apps", file=sys.stderr)


def _read(project: Project, wanted: Wanted) -> tuple[Values, list[Hand]]:
    """The stack file's `config`, checked, and the apps. Raises `CommandError`."""
    context = StackContext(project, wanted.like) if wanted.like else None
    credentials: Mapping[str, str] = context.credentials if context else StackContext(project, wanted.stack).credentials
    like: Mapping[str, Any] = project.stack_values(wanted.like) if wanted.like else {}
    account = wanted.account or like.get("overskill:accountId", "")
    organization = wanted.organization or like.get("overskill:githubOrganization", "")
    if missing := [name for name, value in (("account", account), ("organization", organization)) if not value]:
        raise CommandError(f"say which: {', '.join(f'--{name}' for name in missing)}, or --like a stack that has it")
    values = {key: value for key, value in like.items() if key.split(":")[0] in ("cloudflare", "github")}
    values |= {f"overskill:{key}": like[f"overskill:{key}"] for key in KEPT if f"overskill:{key}" in like}
    values |= {"github:owner": values.get("github:owner", organization), "overskill:githubOrganization": organization}
    with closing(_apis(values, credentials)) as apis:
        found = platform.read(apis, account, wanted.prefix, wanted.environment)
        for told in found.told:
            print(told, file=sys.stderr)
        values |= {f"overskill:{key}": value for key, value in found.values.items()}
        app_ids = _app_ids(apis, values, found.values)
        hooks = apps.hooks_base(apis, organization, iter(app_ids))
        values |= {f"overskill:{key}": value for key, value in hooks.items()}
        if missing := [key for key in FOUND_IN_THE_APPS if not values.get(f"overskill:{key}")]:
            raise CommandError(f"no app tells overskill:{', overskill:'.join(missing)}: name a stack to be --like")
        try:
            config = parse(values)
        except ConfigError as error:
            raise CommandError(f"what there is makes no platform:\n{error}") from None
        return values, list(apps.read(apis, config))


def _app_ids(apis: Apis, values: Values, found: Values) -> list[str]:
    """The scripts of the production namespace: the first that has a repository tells where hooks go."""
    namespace = f"{found['prefix']}-{found['platformEnvironment']}-production"
    return [script["id"] for script in apis.scripts(found["accountId"], namespace)]


def _apis(values: Mapping[str, Any], credentials: Mapping[str, str]) -> Apis:
    cloudflare, github = _urls(values)
    return Apis(
        {
            "cloudflare": Access(url=cloudflare, token=_token(credentials, "CLOUDFLARE_API_TOKEN")),
            "github": Access(url=github, token=_token(credentials, "GITHUB_TOKEN")),
        }
    )


def _urls(values: Mapping[str, Any]) -> tuple[str, str]:
    return base_url(values.get("cloudflare:baseUrl")), str(values.get("github:baseUrl") or OFFICIAL_URL)


def _token(credentials: Mapping[str, str], name: str) -> str:
    if token := credentials.get(name):
        return token
    raise CommandError(f"{name} is not set")


def _adopt_platform(project: Project, stack: str) -> bool:
    """Import what exists; where nothing else is to be done, write the outputs down too. Whether that was so."""
    engine, config = StackContext(project, stack).engine, project.stack_config(stack)
    urls, base = _urls(project.stack_values(stack)), str(config.overskill.webhook_base)
    clouds = Clouds(urls, config.github.owner, engine.environment, webhook_base=base)
    engine.make(stack)
    with step(f"Platform {stack}: import") as running:
        # What depends on something that is not imported yet cannot be told apart before that is.
        taken: list[str] = []
        while more := take_up(engine, stack, clouds, ADOPTED):
            taken += more
        running.detail = f"{len(taken)} resources"
    return _without_steps(engine, stack)


def _without_steps(engine: Engine, stack: str) -> bool:
    previewed = engine.preview(stack, engine.folder / f"Pulumi.{stack}.yaml")
    check(previewed, f"pulumi preview of stack {stack}")
    if previewed.steps:
        print(f"stack {stack} is imported, and an `up` would still:", file=sys.stderr)
        print("\n".join(f"  {each}" for each in previewed.steps), file=sys.stderr)
        return False
    check(engine.up(stack), f"pulumi up of stack {stack}")
    print(f"stack {stack} is as the platform is: nothing to do", file=sys.stderr)
    return True


def _adopt_apps(project: Project, stack: str, hands: Sequence[Hand]) -> None:
    """Each app's stack file, its tag where it has none, and what of its repository exists."""
    opened = Platform.of(project, stack)
    with closing(_apis(opened.values, opened.environment)) as apis:
        for hand in hands:
            place = home(project, hand.app_id, opened.app_stack(hand.app_id))
            app_stack_file.write(place.file, opened.app_values(hand.own))
            for namespace, script in hand.untagged:
                account = opened.config.overskill.account_id
                path = f"accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}"
                apis.send("cloudflare", "PUT", f"{path}/tags/app-{hand.app_id}")
            engine = opened.engine(place)
            app_stack = opened.app_stack(hand.app_id)
            engine.make(app_stack)
            take_up(engine, app_stack, opened.clouds(), ADOPTED)
    file = project.root / f"{stack}.apps.yaml"
    content = {"apps": [{"id": hand.app_id, **hand.own} for hand in hands]}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    told = f"./dev fleet apply {file.name} --stack {stack} sets what nobody can read, and takes their scripts up"
    print(f"the apps are in {file.name}: {told}", file=sys.stderr)
