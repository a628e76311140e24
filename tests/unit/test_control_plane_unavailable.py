"""What a caller is told while nothing can be kept."""

import errno
from pathlib import Path

import pytest
import sqlalchemy as sa
from control_plane_settings import browser, plane
from obstore.exceptions import GenericError

from control_plane.broker import attempts

FULL = sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))


@pytest.mark.parametrize("error", [FULL, OSError(errno.ENOSPC, "No space left on device"), GenericError("no answer")])
def test_what_can_not_be_kept_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr("control_plane.operators.is_password", fails)
    monkeypatch.setattr(attempts.Attempt, "_write", fails)
    client = browser(plane(tmp_path))
    answer = client.post("/login", data={"name": "anna", "password": "x"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "make it again in 30 s" in answer.json()["detail"]
    refused = client.get("/api/deploy/accounts/x")
    assert refused.status_code == 503
    assert "make it again" in refused.json()["errors"][0]["message"]


def test_any_other_fault_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("control_plane.operators.is_password", fails)
    with pytest.raises(PermissionError):
        browser(plane(tmp_path)).post("/login", data={"name": "anna", "password": "x"})
