"""What an app stack reads of the platform stack that it belongs to, through a StackReference."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pydantic import ValidationError

from infra.outputs import PlatformOutputs


def platform_outputs(stack: str) -> pulumi.Output[PlatformOutputs]:
    """The outputs of one platform stack, such as `local`. Fails with `pulumi.RunError` where they are not all there."""
    reference = pulumi.StackReference(f"{pulumi.get_organization()}/overskill/{stack}")
    return reference.outputs.apply(lambda outputs: _checked(stack, outputs))


def _checked(stack: str, outputs: Mapping[str, Any]) -> PlatformOutputs:
    try:
        return PlatformOutputs.model_validate(outputs)
    except ValidationError as error:
        wrong = ", ".join(sorted({str(detail["loc"][0]) for detail in error.errors()}))
        raise pulumi.RunError(
            f"platform stack {stack} lacks these outputs: {wrong}. Bring it up first: pulumi up -s {stack}"
        ) from None
