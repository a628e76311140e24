"""The template repository, which every app's repository is generated from."""

from dataclasses import dataclass

import pulumi
import pulumi_github as github


@dataclass(frozen=True, kw_only=True)
class TemplateArgs:
    """`repository` is a name without its owner, which is the GitHub provider's."""

    repository: str
    protect: bool


class Template(pulumi.ComponentResource):
    """Outputs: `full_name`, such as `overskill/vite-wfp-template`."""

    full_name: pulumi.Output[str]

    def __init__(self, name: str, args: TemplateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("overskill:platform:Template", name, None, opts)
        repository = github.Repository(
            name,
            name=args.repository,
            description="What every OverSkill app starts from.",
            visibility="private",
            is_template=True,
            # GitHub generates nothing from a repository without a commit.
            auto_init=True,
            has_issues=False,
            has_projects=False,
            has_wiki=False,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.full_name = repository.full_name
        self.register_outputs({"full_name": self.full_name})
