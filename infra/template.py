"""The template repository, which every app's repository is generated from: this stack's own, or another's."""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_github as github

from infra.config import StackConfig


@dataclass(frozen=True, kw_only=True)
class TemplateArgs:
    """`repository` is `owner/name`. `own`: this stack makes it, for the GitHub provider's owner; `use`: it exists.

    `description` tells it from another platform's.

    `adopt`: it exists, and this stack takes it up as its own.
    """

    repository: str
    description: str
    ownership: Literal["own", "use"]
    protect: bool
    adopt: bool

    @classmethod
    def of(cls, stack: StackConfig) -> "TemplateArgs":
        platform = stack.overskill
        return cls(
            repository=stack.template_repository,
            description=f"What every {platform.prefix} app starts from.",
            ownership=platform.template,
            protect=platform.protected,
            adopt="template" in platform.adopt,
        )


class Template(pulumi.ComponentResource):
    """Outputs: `full_name`, such as `overskill/vite-wfp-template`."""

    full_name: pulumi.Output[str]

    def __init__(self, name: str, args: TemplateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Template", name, None, opts)
        repository = args.repository.partition("/")[2]
        if args.ownership == "use":
            self.full_name = github.get_repository_output(
                full_name=args.repository, opts=pulumi.InvokeOutputOptions(parent=self)
            ).full_name
        else:
            self.full_name = github.Repository(
                name,
                name=repository,
                description=args.description,
                visibility="private",
                is_template=True,
                # GitHub generates nothing from a repository without a commit.
                auto_init=True,
                has_issues=False,
                has_projects=False,
                has_wiki=False,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    protect=args.protect,
                    # Of one that is imported: nobody tells how it began, and what it has of old is left to it.
                    ignore_changes=["autoInit", "hasDownloads"],
                    import_=repository if args.adopt else None,
                ),
            ).full_name
        self.register_outputs({"full_name": self.full_name})
