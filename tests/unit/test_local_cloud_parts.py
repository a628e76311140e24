"""The smaller parts of the local cloud: forms, route tables, settings, ports, git repositories."""

import os
import subprocess

import pytest

from local_cloud.git import GitError
from local_cloud.git_repositories import GitRepositories
from local_cloud.multipart import MultipartError, Part, parse, render
from local_cloud.ports import PortInUseError, listen
from local_cloud.routing import RouteTable
from local_cloud.settings import Settings, SettingsError


@pytest.mark.parametrize("body", [b"", b"\r\n", b"--", bytes(range(256)), b"\r\n--not-the-boundary\r\n\r\n"])
def test_a_form_comes_back_byte_for_byte(body):
    parts = [
        Part(name="metadata", content_type="application/json", body=b"{}"),
        Part(name="plain", body=body),
        Part(name="files", filename="dir/ü.wasm", content_type="application/wasm", body=body),
    ]
    content_type, rendered = render(parts)
    assert parse(content_type, rendered) == parts


def test_what_a_client_may_write_differently():
    text = 'preamble\r\n--"b"--x \r\ncontent-disposition: form-data; name=a\r\n\r\nbody\r\n--"b"--x--\r\nepilogue'
    body = text.replace('"b"--x', "b c").encode()
    assert parse('multipart/form-data; charset=utf-8; boundary="b c"', body) == [Part(name="a", body=b"body")]


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("application/json", b"{}", "must be multipart/form-data"),
        ("multipart/form-data", b"", "with a boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\n", "before the closing boundary"),
        ("multipart/form-data; boundary=b", b"--b\r\nx\r\n--b--", "no empty line"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--", "has no name"),
    ],
)
def test_a_broken_form_is_refused(content_type, body, message):
    with pytest.raises(MultipartError, match=message):
        parse(content_type, body)


def test_a_route_is_found_by_method_and_path():
    table = RouteTable()

    @table.on("GET", "/things/{thing}")
    def get(): ...

    @table.on("GET", "/things/special")
    def special(): ...

    whole = RouteTable(table)
    assert {route.permission for route in whole} == {""}
    found = whole.find("GET", "/things/a%2Fb")
    assert found
    assert (found[0].handler, found[1]) == (get, {"thing": "a/b"})
    found = whole.find("GET", "/things/special")
    assert found
    assert found[0].handler is special
    assert [whole.find(*call) for call in (("PUT", "/things/a"), ("GET", "/things"), ("GET", "/things/a/b"))] == [
        None
    ] * 3


def test_a_routes_last_parameter_may_be_the_rest_of_the_path():
    table = RouteTable()

    @table.on("GET", "/things/{thing}/parts/{part*}")
    def part(): ...

    @table.on("GET", "/things/{thing}/parts/all")
    def everything(): ...

    found = [table.find("GET", f"/things/a/parts/{path}") for path in ("b", "b/c%2Fd/e", "b/", "all")]
    assert [one and (one[0].handler, dict(one[1])) for one in found] == [
        (part, {"thing": "a", "part": "b"}),
        (part, {"thing": "a", "part": "b/c/d/e"}),
        (part, {"thing": "a", "part": "b/"}),
        (everything, {"thing": "a"}),
    ]
    assert [table.find("GET", path) for path in ("/things/a/parts", "/things/a/b/c")] == [None, None]


def test_a_table_says_what_permission_its_routes_need():
    table = RouteTable(permission="Things")

    @table.on("GET", "/things")
    @table.on("GET", "/secrets", permission="Secrets")
    def get(): ...

    assert {route.template: route.permission for route in RouteTable(table)} == {
        "/things": "Things",
        "/secrets": "Secrets",
    }


def test_every_wrong_setting_is_named(tmp_path):
    with pytest.raises(SettingsError) as error:
        Settings(
            state=tmp_path,
            api_port=70000,
            edge_port=70000,
            workerd=tmp_path,
            account="x",
            workers_subdomain="-",
            zones=("fine.example", "localhost"),
            organizations=("fine", "a--b"),
            listen="192.168.1.7",
        )
    options = [line.split()[0] for line in str(error.value).splitlines()]
    assert options == [
        *("--api-port", "--edge-port", "--edge-port", "--listen", "--workerd"),
        *("--account", "--workers-subdomain", "--zone", "--organization"),
    ]


def test_a_port_that_is_taken_is_named_with_its_holder():
    with listen(0, "--port") as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"127.0.0.1:{port} .* process {os.getpid()} .*--port$"):
            listen(port, "--port")


@pytest.fixture
def repositories(tmp_path):
    return GitRepositories(tmp_path / "repositories")


def git(path, *arguments):
    return subprocess.run(["git", f"--git-dir={path}", *arguments], capture_output=True, text=True, check=True).stdout


def test_an_empty_repository_and_one_with_a_commit(repositories):
    repositories.create("o", "empty")
    repositories.create("o", "begun", "# begun\n")
    assert not repositories.has_commits("o", "empty")
    assert repositories.has_commits("o", "begun")
    assert git(repositories.path("o", "empty"), "symbolic-ref", "HEAD") == "refs/heads/main\n"
    assert git(repositories.path("o", "begun"), "show", "main:README.md") == "# begun\n"


def test_a_generated_repository_has_the_files_and_not_the_history(repositories, tmp_path):
    repositories.create("o", "template", "# template\n")
    template, work = repositories.path("o", "template"), tmp_path / "work"
    subprocess.run(["git", "clone", "-q", template, work], check=True)
    (work / "src").mkdir()
    (work / "src/index.js").write_bytes(bytes(range(256)) * 100)
    (work / "run").symlink_to("src/index.js")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", work, "add", "."], check=True)
    subprocess.run(["git", "-C", work, *identity, "commit", "-qm", "more"], check=True)
    subprocess.run(["git", "-C", work, "push", "-q"], check=True)
    repositories.generate("p", "made", template)
    made = repositories.path("p", "made")
    assert git(made, "rev-list", "--count", "main") == "1\n"
    assert git(made, "rev-parse", "main^{tree}") == git(template, "rev-parse", "main^{tree}")
    git(made, "fsck", "--strict")


def test_what_git_cannot_do_leaves_nothing(repositories):
    repositories.create("o", "empty")
    with pytest.raises(GitError, match="rev-parse"):
        repositories.generate("o", "made", repositories.path("o", "empty"))
    assert not repositories.path("o", "made").exists()


def test_only_what_has_a_row_survives_a_sweep(repositories):
    for name in ("kept", "stray"):
        repositories.create("o", name)
    repositories.sweep(keep={repositories.path("o", "kept")})
    assert repositories.path("o", "kept").is_dir()
    assert not repositories.path("o", "stray").exists()
    repositories.remove("o", "stray")
