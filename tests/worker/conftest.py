"""What the tests on the real Workers runtime share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def workerd_binary() -> Path:
    """The workerd that `OVERSKILL_WORKERD` names; tests that need it are skipped without it."""
    path = os.environ.get("OVERSKILL_WORKERD")
    if not path:
        pytest.skip("OVERSKILL_WORKERD names no workerd binary")
    return Path(path)
