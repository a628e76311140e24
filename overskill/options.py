"""Options that many commands share."""

from typing import Annotated

import typer

from overskill.toolchain.providers import Mode

Stack = Annotated[str, typer.Option(help="The platform stack.")]
LocalStack = Annotated[str, typer.Option(help="A platform stack of the local cloud.")]
Providers = Annotated[
    Mode | None,
    typer.Option(help="Provider plugins: the official ones, the stand-ins, or what there is. [default: the stack's]"),
]
