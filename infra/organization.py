"""Settings of the GitHub organisation that holds the apps' repositories, where this stack owns them."""

from dataclasses import dataclass

import pulumi
import pulumi_github as github

from infra.config import GitHubConfig, StackConfig
from infra.platform_config import OrganizationSettings


@dataclass(frozen=True, kw_only=True)
class OrganizationArgs:
    """`name` is the organisation; `provider` what the stack says of GitHub: the organisation's provider is another.

    `protect` keeps Pulumi from putting GitHub's defaults back.
    """

    name: str
    settings: OrganizationSettings
    provider: GitHubConfig
    protect: bool

    @classmethod
    def of(cls, stack: StackConfig) -> "OrganizationArgs":
        platform = stack.overskill
        return cls(
            name=platform.github_organization,
            settings=platform.organization_settings,
            provider=stack.github,
            protect=platform.protected,
        )


class Organization(pulumi.ComponentResource):
    """What isn't given in the settings is left alone. It has no outputs.

    GitHub takes allowed actions only together with the repositories that may run any: all of them.
    """

    def __init__(self, name: str, args: OrganizationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Organization", name, None, opts)
        provider = github.Provider(
            name,
            owner=args.name,
            base_url=str(args.provider.base_url) if args.provider.base_url else None,
            write_delay_ms=args.provider.write_delay_ms,
            read_delay_ms=args.provider.read_delay_ms,
            opts=pulumi.ResourceOptions(parent=self, transformations=[_without_token]),
        )
        child = pulumi.ResourceOptions(parent=self, provider=provider, protect=args.protect)
        if args.settings.oidc_subject is not None:
            github.ActionsOrganizationOidcSubjectClaimCustomizationTemplate(
                f"{name}-oidc-subject", include_claim_keys=args.settings.oidc_subject, opts=child
            )
        if args.settings.allowed_actions is not None:
            github.ActionsOrganizationPermissions(
                f"{name}-actions",
                enabled_repositories="all",
                allowed_actions="selected",
                allowed_actions_config=github.ActionsOrganizationPermissionsAllowedActionsConfigArgs(
                    github_owned_allowed=True, verified_allowed=False, patterns_alloweds=args.settings.allowed_actions
                ),
                opts=child,
            )
        self.register_outputs({})


def _without_token(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """The SDK makes `GITHUB_TOKEN` an input, and the state would keep it: the plugin reads the environment itself."""
    return pulumi.ResourceTransformationResult(
        props={name: value for name, value in args.props.items() if name != "token"}, opts=args.opts
    )
