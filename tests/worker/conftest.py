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


@pytest.fixture(scope="session")
def test_packages() -> Path:
    """The `node_modules` that `OVERSKILL_TEST_PACKAGES` names; tests that need it are skipped without it."""
    path = os.environ.get("OVERSKILL_TEST_PACKAGES")
    if not path:
        pytest.skip("OVERSKILL_TEST_PACKAGES names no folder")
    return Path(path)
