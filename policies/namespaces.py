"""A dispatch namespace holds apps: to replace or delete one deletes every app in it."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG
from pulumi_policy import (
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.config import parse
from infra.platform_config import PlatformConfig

NAMESPACE = "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace"
NAMESPACE_TYPES = (NAMESPACE, "cloudflare:index/workersForPlatformsNamespace:WorkersForPlatformsNamespace")
"""With the name that the type had before."""

REPLACING = {"accountId", "name"}
"""The inputs of a namespace, neither of which can change in place."""

ANOTHER_STACK = "make another stack, and move the apps"
PLATFORM_PROJECT = "overskill"


def platform() -> PlatformConfig | None:
    """The configuration of the stack under validation; None for one of another project."""
    return parse(CONFIG.get()).overskill if pulumi.get_project() == PLATFORM_PROJECT else None


def name_of(props: Mapping[str, Any]) -> str | None:
    """An imported namespace has its name among the outputs alone."""
    return props.get("name") or props.get("namespaceName")


def named_by_the_contract(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type not in NAMESPACE_TYPES:
        return
    config, name = platform(), name_of(args.props)
    if config is None:
        report("a dispatch namespace belongs to a platform stack: every app of an environment lives in it")
        return
    wanted = config.namespaces.values()
    if name and name not in wanted:
        report(
            f"{name!r} is not among {', '.join(wanted)}, the names that apps and Workers look for. "
            f"The prefix and the environment of a living platform cannot change: {ANOTHER_STACK}"
        )
    if args.props["accountId"] != config.account_id:
        report(f"{name!r} is in account {args.props['accountId']}, not in {config.account_id}: {ANOTHER_STACK}")


def never_replaced(args: ResourceValidationArgs, report: ReportViolation) -> None:
    if args.resource_type in NAMESPACE_TYPES and (missing := REPLACING - set(args.opts.ignore_changes)):
        report(
            f"a change of {' or '.join(sorted(missing))} would replace it, and delete every app in it: "
            f"declare it with ignore_changes={sorted(REPLACING)}"
        )


def kept_in_a_protected_stack(args: StackValidationArgs, report: ReportViolation) -> None:
    config = platform()
    if config is None or not config.protected:
        return
    declared = {
        name_of(resource.props): resource for resource in args.resources if resource.resource_type in NAMESPACE_TYPES
    }
    for name in config.namespaces.values():
        if name not in declared:
            report(f"namespace {name} is not declared: this would delete it, with every app in it")
        elif not declared[name].opts.protect:
            report(f"namespace {name} is declared without protect=True in a protected stack", declared[name].urn)


NAMESPACES = [
    ResourceValidationPolicy(
        name="namespace-names", description="Namespaces are named by the contract.", validate=named_by_the_contract
    ),
    ResourceValidationPolicy(
        name="namespace-never-replaced", description="No plan may replace a namespace.", validate=never_replaced
    ),
    StackValidationPolicy(
        name="namespace-kept",
        description="A protected stack keeps its namespaces, and protects them.",
        validate=kept_in_a_protected_stack,
    ),
]
