"""The package of a release has the version that the tag says, or is not made."""

import pytest

from overskill import check_command
from overskill.errors import CommandError


def test_a_tag_of_another_version_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(CommandError, match=r"the tag is v9\.9\.9, and pyproject.toml says version .*: tag v"):
        check_command.package(into=tmp_path / "dist", tag="v9.9.9")
    assert not (tmp_path / "dist").exists()
