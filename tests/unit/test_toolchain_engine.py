import hashlib
import io
import socket
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import pytest
from toolchain_fakes import Answer, download_host, program

from overskill.toolchain.cache import Cache, Part
from overskill.toolchain.engine import PROGRAMS, install_engine
from overskill.toolchain.errors import ToolchainError, Unavailable
from overskill.toolchain.reach import why_unreachable
from overskill.toolchain.release import unpack_release
from overskill.toolchain.versions import PULUMI, platform_name

ARCHIVE = f"pulumi-v{PULUMI}-{platform_name()}.tar.gz"
ENGINE = f"#!/bin/sh\necho v{PULUMI}\n".encode()
GO = """
case $1 in
    env) echo go1.26.8 ;;
    build)
        [ "$GOTOOLCHAIN" = local ]
        case $6 in
            */pkg/v3/cmd/pulumi)
                sdk="$GOMODCACHE/github.com/pulumi/pulumi/sdk/v3@VERSION"
                mkdir -p "$sdk/python/cmd" "$sdk/python/dist"
                echo exec >"$sdk/python/cmd/pulumi-language-python-exec"
                echo dynamic >"$sdk/python/dist/pulumi-resource-pulumi-python"
                printf '#!/bin/sh\\necho VERSION\\n' >"$5/pulumi"
                chmod +x "$5/pulumi" ;;
            */pulumi-language-python) echo host >"$5/pulumi-language-python"; chmod +x "$5/pulumi-language-python" ;;
        esac ;;
esac
""".replace("VERSION", f"v{PULUMI}")


@pytest.fixture(autouse=True)
def bin_folder(tmp_path, monkeypatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def nowhere() -> str:
    """A URL at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def archive(names: tuple[str, ...] = PROGRAMS) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size = len(ENGINE)
            tar.addfile(member, io.BytesIO(ENGINE))
        link = tarfile.TarInfo("pulumi/pulumi-link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return packed.getvalue()


def release(body: bytes, served: Answer | None = None) -> dict[str, Answer]:
    """The answers of a host with a release whose checksums are those of `body`."""
    checksums = f"{hashlib.sha256(body).hexdigest()}  {ARCHIVE}\n{'0' * 64}  other.tar.gz\n".encode()
    folder = f"/v{PULUMI}"
    return {
        f"{folder}/pulumi-{PULUMI}-checksums.txt": Answer(checksums),
        f"{folder}/{ARCHIVE}": served or Answer(body),
    }


def without(answers: dict[str, Answer], name: str) -> dict[str, Answer]:
    return {path: answer for path, answer in answers.items() if not path.endswith(name)}


def from_release(cache: Cache, url: str, timeout: float = 5) -> Part:
    return cache.install("pulumi", PULUMI, partial(unpack_release, releases=url, timeout=httpx.Timeout(timeout)))


def test_an_official_release_is_verified_and_unpacked_without_its_links(tmp_path):
    with download_host(release(archive())) as url:
        part = install_engine(Cache(tmp_path / "cache"), url)
    assert part.how == "official release"
    assert {file.name for file in part.path.iterdir()} == {*PROGRAMS, ".how"}
    assert not list((tmp_path / "cache").glob(".*staging*"))


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (release(archive(), Answer(archive()[:-1])), "is damaged: its SHA-256 is"),
        (release(archive(), Answer(archive()[:100], length=1000)), "the download of .* failed: .*"),
        (release(archive(), Answer(status=500)), "500 Internal Server Error"),
        (release(archive(), Answer(silent_seconds=5)), "timed out"),
        (without(release(archive()), ARCHIVE), "404 Not Found"),
        (without(release(archive()), "checksums.txt"), "404 Not Found"),
        ({f"/v{PULUMI}/pulumi-{PULUMI}-checksums.txt": Answer(b"0 other.tar.gz")}, "states no checksum for"),
    ],
    ids=["damaged", "cut short", "failing", "silent", "no archive", "no checksums", "other platforms only"],
)
def test_a_release_that_cannot_be_trusted_leaves_nothing(tmp_path, answers, reason):
    cache = Cache(tmp_path / "cache")
    with download_host(answers) as url, pytest.raises(Unavailable, match=reason):
        from_release(cache, url, timeout=0.2)
    assert cache.find("pulumi", PULUMI) is None


def test_a_host_that_refuses_or_stays_silent_is_known_in_time(nowhere):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with download_host({}) as url:
            reasons = why_unreachable([url, nowhere, deaf], within=2)
    assert set(reasons) == {nowhere, deaf}
    assert "refused" in reasons[nowhere]


def test_the_engine_on_path_is_used_if_it_is_the_pinned_one(tmp_path, bin_folder, nowhere):
    elsewhere = tmp_path / "opt"
    for name in PROGRAMS:
        program(elsewhere / name, f"echo v{PULUMI}")
    (bin_folder / "pulumi").symlink_to(elsewhere / "pulumi")
    part = install_engine(Cache(tmp_path / "cache"), nowhere)
    assert (part.how, part.path) == ("on PATH", elsewhere)


def another_version(folder: Path) -> None:
    for name in PROGRAMS:
        program(folder / name, "echo v3.1.0")


def no_language_host(folder: Path) -> None:
    program(folder / "pulumi", f"echo v{PULUMI}")


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (another_version, "pulumi is v3.1.0, not"),
        (no_language_host, "has no pulumi-language-python,"),
        (lambda folder: None, "no pulumi is on PATH"),
    ],
)
def test_without_release_it_is_built_from_go_modules_and_says_why(
    tmp_path, nowhere, capfd, prepare: Callable[[Path], None], reason: str
):
    prepare(tmp_path / "bin")
    program(tmp_path / "bin" / "go", GO)
    cache = Cache(tmp_path / "cache")
    part = install_engine(cache, nowhere)
    assert part.how == "built from its Go modules with Go 1.26.8 on PATH"
    assert {file.name for file in part.path.iterdir()} == {*PROGRAMS, ".how"}
    shown = capfd.readouterr().err
    assert reason in shown
    assert "cannot be reached" in shown
    assert install_engine(cache, nowhere) == part


def test_when_no_way_works_each_is_listed_with_its_reason(tmp_path, bin_folder):
    program(bin_folder / "go", '[ "$1" = build ] || { echo go1.26.8; exit; }; echo no such module; exit 1')
    cache = Cache(tmp_path / "cache")
    with download_host(release(archive(PROGRAMS[:2]))) as url, pytest.raises(ToolchainError) as failure:
        install_engine(cache, url)
    message = str(failure.value)
    assert "on PATH: no pulumi is on PATH" in message
    assert "official release: " in message
    assert "has no pulumi-language-python-exec" in message
    assert "built from its Go modules: " in message
    assert "    no such module" in message
    assert f"Install Pulumi {PULUMI}" in message
    assert cache.find("pulumi", PULUMI) is None
