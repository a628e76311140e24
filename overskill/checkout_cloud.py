"""The local cloud of this checkout: what `Pulumi.local.yaml` says of it, and which stacks it serves."""

from infra.config import StackConfig
from overskill.errors import CommandError
from overskill.local_cloud_process import LocalCloud
from overskill.project import LOCAL_STACK, LOOPBACK, Project


def of_checkout(project: Project) -> LocalCloud:
    """Raises `CommandError` where the local stack's configuration has errors or leads elsewhere."""
    config = project.stack_config(LOCAL_STACK)
    for key, url in (
        ("cloudflare:baseUrl", config.cloudflare.base_url),
        ("github:baseUrl", config.github.base_url),
    ):
        if url is None or url.host not in LOOPBACK:
            raise CommandError(f"Pulumi.local.yaml: {key} must lead to this machine, such as http://127.0.0.1:8787")
    if config.cloudflare.base_url.port != config.github.base_url.port:
        raise CommandError("Pulumi.local.yaml: cloudflare:baseUrl and github:baseUrl must name the same port")
    platform = config.overskill
    if platform.edge.port is None:
        raise CommandError("Pulumi.local.yaml: overskill:edge.port is missing: the local edge needs one")
    return LocalCloud(
        state=project.home / "local-cloud",
        log=project.logs / "local-cloud.log",
        api_port=config.cloudflare.base_url.port,
        edge_port=platform.edge.port,
        account=platform.account_id,
        workers_subdomain=platform.workers_dev_subdomain,
        zones=(platform.zone_name,),
        organizations=tuple(sorted({owner for stack in project.local_stacks() for owner in _owners(project, stack)})),
        up="./dev up",
        ports="cloudflare:baseUrl, github:baseUrl and overskill:edge in Pulumi.local.yaml",
    )


def local_config(project: Project, stack: str) -> StackConfig:
    """The configuration of a stack that the local cloud serves. Raises `CommandError` for one that leads elsewhere."""
    config = project.stack_config(stack)
    if stack not in project.local_stacks():
        raise CommandError(
            f"stack {stack} is not on the local cloud: its file names no cloudflare:baseUrl on this machine. "
            f"On Cloudflare it is brought up with: ./dev pulumi up -s {stack} --policy-pack policies"
        )
    ours, theirs = _leads_to(project.stack_config(LOCAL_STACK)), _leads_to(config)
    if differing := [f"{key} (it is {theirs[key]}, there {ours[key]})" for key in ours if ours[key] != theirs[key]]:
        raise CommandError(
            f"stack {stack} does not lead to the local cloud of Pulumi.{LOCAL_STACK}.yaml: make these the same in "
            f"both files: {', '.join(differing)}"
        )
    return config


def _owners(project: Project, stack: str) -> set[str]:
    """The GitHub organisations that a stack names."""
    values = project.stack_values(stack)
    return {values[key] for key in ("github:owner", "overskill:githubOrganization") if key in values}


def _leads_to(config: StackConfig) -> dict[str, object]:
    """What two stacks on one local cloud have in common."""
    platform = config.overskill
    return {
        "cloudflare:baseUrl": config.cloudflare.base_url,
        "github:baseUrl": config.github.base_url,
        "overskill:accountId": platform.account_id,
        "overskill:workersDevSubdomain": platform.workers_dev_subdomain,
        "overskill:edge": platform.edge,
    }
