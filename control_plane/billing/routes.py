"""`GET /api/billing/{month}`: a closed month, signed."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Response

from control_plane.access import Caller, requires
from control_plane.billing import months
from control_plane.billing.signing import signature
from control_plane.state import GivenPlane
from control_plane.usage.months import PATTERN, Month

SIGNATURE = "X-OverSkill-Signature"
"""The header with the Ed25519 signature of the body, in base64."""

router = APIRouter(prefix="/api/billing", tags=["billing"])

MonthText = Annotated[str, Path(pattern=f"^{PATTERN}$")]


@router.get("/{month}")
def closed_month(plane: GivenPlane, _: Annotated[Caller, requires("usage:read")], month: MonthText) -> Response:
    """The usage of each app in a closed month: always the same bytes, with their signature in a header."""
    try:
        with plane.database.reading() as session:
            made = months.document(session, Month.parse(month))
    except months.NotClosed as error:
        raise HTTPException(404, str(error)) from None
    except months.Changed as error:
        raise HTTPException(500, str(error)) from None
    signed = signature(plane.settings.webhook_secret.get_secret_value(), made)
    return Response(made, media_type="application/json", headers={SIGNATURE: signed})
