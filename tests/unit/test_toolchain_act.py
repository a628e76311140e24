"""act is built from its module, by the system's Go or by one from the package index."""

from pathlib import Path

import pytest
from toolchain_fakes import program

from overskill.local_cloud_process import Programs
from overskill.toolchain.act import install_act
from overskill.toolchain.cache import Cache
from overskill.toolchain.errors import ToolchainError
from overskill.toolchain.versions import ACT

GO = """
case $1 in
    env) echo go1.26.8 ;;
    build) [ "$6" = github.com/nektos/act ] && grep -q 'overskill.dev/act$' go.mod && echo act >"$5/act" ;;
esac
"""


def test_it_is_built_once(tmp_path, monkeypatch, capfd):
    program(tmp_path / "bin" / "go", GO)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    cache = Cache(tmp_path / "cache")
    part = install_act(cache)
    assert (part.version, part.how) == (ACT, "built from its Go module with Go 1.26.8 on PATH")
    assert (part.path / "act").read_text() == "act\n"
    assert f"Building act {ACT} from its Go module" in capfd.readouterr().err
    program(tmp_path / "bin" / "go", "exit 1")
    assert install_act(cache) == part


def test_without_the_module_the_reason_and_the_remedy_are_told(tmp_path, monkeypatch):
    program(tmp_path / "bin" / "go", '[ "$1" = env ] && { echo go1.26.8; exit; }; echo no such module; exit 1')
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ToolchainError, match=r"act .* cannot be had: (?s:.*)no such module(?s:.*)GOPROXY"):
        install_act(Cache(tmp_path / "cache"))


class WithoutAct:
    """A toolchain that has everything else."""

    workerd = Path("/bin/workerd")

    @property
    def act(self) -> Path:
        raise ToolchainError("act cannot be had", remedy="Do this.")

    def environment(self, *, engine: bool) -> dict[str, str]:
        assert not engine
        return {"PATH": "/node"}


def test_without_act_the_local_cloud_starts_and_says_what_it_lacks(capsys):
    programs = Programs.of(WithoutAct())
    assert (programs.workerd, programs.act, programs.environment["PATH"]) == (WithoutAct.workerd, None, "/node")
    assert "act cannot be had\nDo this.\nWithout it the local cloud runs no workflows." in capsys.readouterr().err
