"""One platform environment."""

import dataclasses

import pulumi

from infra import access, config
from infra.app_store import AppStore, AppStoreArgs
from infra.certificate import AdvancedCertificate, AdvancedCertificateArgs
from infra.custom_hostnames import CustomHostnames, CustomHostnamesArgs
from infra.dispatcher import Dispatcher, DispatcherArgs
from infra.domain import Domain, DomainArgs
from infra.namespaces import Namespaces, NamespacesArgs
from infra.organization import Organization, OrganizationArgs
from infra.outbound import Outbound, OutboundArgs
from infra.outputs import export
from infra.template import Template, TemplateArgs

stack = config.load()
platform = stack.overskill
access_key = access.declared_key(platform.previews)

namespaces = Namespaces("namespaces", NamespacesArgs.of(platform))
app_store = AppStore("app-store", AppStoreArgs.of(platform))
outbound = Outbound("outbound", OutboundArgs.of(platform))
dispatcher = Dispatcher(
    "dispatcher",
    DispatcherArgs.of(
        platform,
        namespaces=namespaces.names,
        outbound=outbound.worker,
        app_store=app_store.namespace_id,
        access_key=access_key,
    ),
    pulumi.ResourceOptions(depends_on=[namespaces, app_store, outbound]),
)
domain = Domain("domain", DomainArgs.of(platform, worker=dispatcher.worker))
if platform.certificate.kind == "advanced":
    AdvancedCertificate("certificate", AdvancedCertificateArgs.of(platform, zone_id=domain.zone_id))
customer_hosts = None
if platform.custom_hostnames:
    customers = CustomHostnamesArgs.of(platform, zone_id=domain.zone_id, worker=dispatcher.worker)
    customer_hosts = {
        "zoneId": domain.zone_id,
        "origin": CustomHostnames("custom-hostnames", customers).origin,
    }
template = Template("template", TemplateArgs.of(stack))
if platform.organization_settings.owned:
    Organization("organization", OrganizationArgs.of(stack))

export(
    account_id=platform.account_id,
    platform_environment=platform.platform_environment,
    protected=platform.protected,
    namespaces=namespaces.names,
    origins=dataclasses.asdict(platform.origins),
    urls=platform.urls,
    customer_hosts=customer_hosts,
    plans=list(platform.plans),
    default_plan=platform.default_plan,
    oidc_subject=platform.organization_settings.oidc_subject is not None,
    github_organization=platform.github_organization,
    template=template.full_name,
    webhook_base=platform.webhook_base,
    api_base=platform.api_base,
    app_store=app_store.namespace_id,
    usage_dataset=platform.usage_dataset,
    dispatcher_version=dispatcher.version,
)
