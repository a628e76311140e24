"""One platform environment."""

import dataclasses

import pulumi

from infra import config
from infra.dispatcher import Dispatcher, DispatcherArgs
from infra.domain import Domain, DomainArgs
from infra.namespaces import Namespaces, NamespacesArgs
from infra.template import Template, TemplateArgs

platform = config.load().overskill
production = platform.platform_environment == "production"

namespaces = Namespaces(
    "namespaces",
    NamespacesArgs(
        account_id=platform.account_id,
        prefix=platform.prefix,
        platform_environment=platform.platform_environment,
        protect=production,
    ),
)
dispatcher = Dispatcher(
    "dispatcher",
    DispatcherArgs(
        account_id=platform.account_id,
        worker=platform.origins.worker,
        domain=platform.domain,
        namespaces=namespaces.names,
    ),
)
Domain(
    "domain",
    DomainArgs(
        zone=platform.zone_name,
        domain=platform.domain,
        worker=dispatcher.worker,
        target=f"{platform.origins.worker}.{platform.workers_dev_subdomain}.workers.dev",
    ),
)
template = Template("template", TemplateArgs(repository=platform.template_repository, protect=production))

pulumi.export("accountId", platform.account_id)
pulumi.export("namespaces", namespaces.names)
pulumi.export("origins", dataclasses.asdict(platform.origins))
pulumi.export("githubOrganization", platform.github_organization)
pulumi.export("template", template.full_name)
pulumi.export("webhookBase", str(platform.webhook_base))
