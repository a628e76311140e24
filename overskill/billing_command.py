"""`overskill billing`: the usage of a month, closed once and for all, and written out with a signature."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from control_plane.billing import months
from control_plane.billing.signing import signature
from control_plane.cost.charts import dollars
from infra.credentials import ROOT_VARIABLE
from overskill import control_plane_records
from overskill.errors import CommandError
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext
from overskill.usage_command import database, month_of

billing = typer.Typer(no_args_is_help=True, help="What the builder bills its customers by.")

MonthOption = Annotated[str, typer.Option("--month", metavar="YYYY-MM")]


@billing.command()
def close(
    month: MonthOption,
    accept_gaps: Annotated[
        bool, typer.Option("--accept-gaps", help="Although nothing is known of some hours.")
    ] = False,
    stack: Stack = LOCAL_STACK,
) -> None:
    """Close a month: what each app used in it stands from then on, and the audit has its digest."""
    asked = month_of(month)
    with database(stack) as opened, _told(), opened.writing() as session:
        closed = months.close(
            session, asked, datetime.now(UTC), actor=control_plane_records.actor(), accept_gaps=accept_gaps
        )
    print(f"{closed.month} is closed at {dollars(closed.total)}. Digest: {closed.digest}")


@billing.command()
def export(
    month: MonthOption,
    folder: Annotated[Path, typer.Option("--to", help="The folder for both files.")] = Path(),
    stack: Stack = LOCAL_STACK,
) -> None:
    """Write a closed month as JSON, and beside it its Ed25519 signature, in base64.

    OVERSKILL_BILLING_KEY of ./dev env is the public key. Exits with 1 where the month is not as it was closed.
    """
    asked = month_of(month)
    root = StackContext(Project(), stack).credentials.get(ROOT_VARIABLE)
    if not root:
        raise CommandError(
            f"{ROOT_VARIABLE} is not set: export the platform's webhook secret; the key is derived from it"
        )
    with database(stack) as opened, _told(), opened.reading() as session:
        made = months.document(session, asked)
    file = folder / f"usage-{asked}.json"
    file.write_bytes(made)
    file.with_suffix(".json.sig").write_text(f"{signature(root, made)}\n")
    print(f"{file} and {file.name}.sig")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except months.NotClosed as error:
        raise CommandError(f"{error} (./dev billing close --month, ./dev usage collect, --accept-gaps)") from None
    except months.Changed as error:
        raise CommandError(f"{error}: somebody changed the database; ./dev audit verify tells of the audit") from None
