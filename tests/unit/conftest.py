"""What the tests of the stand-in plugins share: each file has a fixture `cloud`, a plugin and the service behind it."""

from typing import Any

import pytest
from standin_plugin import Plugin


@pytest.fixture
def plugin(cloud: tuple[Plugin, Any]) -> Plugin:
    return cloud[0]


@pytest.fixture
def service(cloud: tuple[Plugin, Any]) -> Any:
    return cloud[1]
