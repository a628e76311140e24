"""git over HTTP: clone, fetch and push by git itself, and whom it is refused to."""

import gzip
import os
import threading
import time
from base64 import b64encode

import psutil
import pytest
from contract_service import LocalCloud
from git_client import Clone, run

MEBIBYTE = 1024 * 1024


@pytest.fixture
def ask(local, name):
    """Asks the test's repository by plain HTTP, with the token unless it is told another one."""

    def asked(method, path, **options):
        options.setdefault("headers", {"Authorization": f"Bearer {local.cloud.credentials.github_token}"})
        return local.client.request(method, f"/overskill/{name}.git/{path}", **options)

    return asked


def test_what_is_pushed_is_cloned_and_fetched(gh, repository, clone, address, tmp_path):
    other = Clone.of(address(), tmp_path / "other")
    before = gh.get(repository)
    assert before["clone_url"].endswith(f"/{before['full_name']}.git")
    time.sleep(1)  # its times are whole seconds
    first = clone.commit("more", index_js="export default {};", data_bin=bytes(range(256)))
    clone.git("push", "-q", "origin", "main")
    after = gh.get(repository)
    assert after["pushed_at"] == after["updated_at"] > before["pushed_at"]
    other.git("pull", "-q")
    assert (other.git("rev-parse", "HEAD"), (other.path / "data.bin").read_bytes()) == (first, bytes(range(256)))
    clone.git("push", "-q", "origin", "main:feature/x", "main:refs/tags/v1")
    other.git("fetch", "-q", "--tags")
    assert other.git("rev-parse", "origin/feature/x", "v1").splitlines() == [first, first]
    clone.git("push", "-q", "origin", ":feature/x")
    assert [one["name"] for one in gh.get(f"{repository}/branches")] == ["main"]
    assert Clone.of(address(), tmp_path / "shallow", "--depth=1").git("rev-list", "--count", "HEAD") == "1"
    partial = Clone.of(address(), tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    assert "?" in partial.git("rev-list", "--objects", "--missing=print", "HEAD")
    other.git("fetch", "-q", "origin", first)


def test_nothing_is_told_of_a_push_that_changes_nothing(gh, repository, clone):
    before = gh.get(repository)
    time.sleep(1)
    clone.git("push", "-q", "origin", "main")
    assert gh.get(repository) == before


def test_the_first_branch_that_is_pushed_is_the_default(gh, name, tmp_path, address):
    gh.post("/orgs/{org}/repos", status=201, json={"name": name, "private": True, "is_template": True})
    empty = Clone.of(address(), tmp_path / "empty")
    empty.git("checkout", "-q", "-b", "trunk")
    head = empty.commit("first", a="1")
    empty.git("push", "-q", "origin", "trunk")
    assert gh.get(f"/repos/{{org}}/{name}")["default_branch"] == "trunk"
    assert Clone.of(address(), tmp_path / "again").git("rev-parse", "trunk") == head
    generated = {"name": f"{name}-made", "owner": "overskill"}
    gh.post(f"/repos/{{org}}/{name}/generate", status=201, json=generated)
    for made in (f"{name}-made", name):
        gh.delete(f"/repos/{{org}}/{made}", status=204)


def test_the_token_may_come_in_any_place(local, repository, address):
    token = local.cloud.credentials.github_token
    for url in (address(), address("anybody"), address(token, ""), address(token, "x-oauth-basic")):
        assert run("ls-remote", url).code == 0
    for header in (f"Bearer {token}", f"token {token}", f"Basic {b64encode(f'git:{token}'.encode()).decode()}"):
        assert run("-c", f"http.extraHeader=Authorization: {header}", "ls-remote", address("", "")).code == 0


def test_the_api_takes_a_basic_token_too(gh, local):
    token = local.cloud.credentials.github_token
    assert local.client.get("/api/v3/orgs/overskill", auth=("git", token)).is_success
    assert local.client.get("/api/v3/orgs/overskill", auth=("git", "wrong")).status_code == 401
    assert local.client.get("/api/v3/orgs/overskill", headers={"Authorization": "Basic ?"}).status_code == 401


def test_a_wrong_or_missing_token_is_refused(gh, repository, clone, address, ask):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic ?"}):
        answer = ask("GET", "info/refs?service=git-upload-pack", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="GitHub"')
    clone.commit("refused", a="1")
    refused = clone.try_git("push", address(password="wrong"), "main")
    assert refused.code != 0
    assert "remote: Invalid username or token." in refused.said
    assert gh.get(f"{repository}/commits/main")["commit"]["message"] == "Initial commit"
    gh.patch(repository, json={"private": False})
    assert run("ls-remote", address("", "")).code == 0
    assert ask("GET", "info/refs?service=git-upload-pack", headers={"Authorization": "token no"}).status_code == 401
    anonymous = clone.try_git("push", address("", ""), "main")
    assert "could not read Username" in anonymous.said
    direct = ask("POST", "git-receive-pack", headers={}, content=b"0000")
    assert (direct.status_code, direct.text) == (401, "No anonymous write access.")


def test_a_repository_that_is_not_there(local, repository, address):
    assert "remote: Repository not found." in run("ls-remote", address(path="overskill/contract-none.git")).said
    answer = local.client.get("/overskill/contract-none.git/info/refs?service=git-upload-pack")
    assert answer.status_code == 401
    for path in ("overskill/../overskill", "../secret.key", "%2e%2e%2f%2e%2e", "overskill/%2e%2e"):
        answer = local.client.get(
            f"/{path}/info/refs?service=git-upload-pack", auth=("git", local.cloud.credentials.github_token)
        )
        assert answer.status_code in {404, 501}


def test_names_know_no_case_and_need_no_suffix(local, repository, name, address):
    assert run("ls-remote", address(path=f"OVERSKILL/{name.upper()}.git")).code == 0
    assert run("ls-remote", address(path=f"overskill/{name}")).code == 0


def test_only_what_a_smart_server_answers(repository, ask):
    for path, status in (("info/refs", 403), ("info/refs?service=git-archive", 403), ("HEAD", 501), ("config", 501)):
        assert ask("GET", path).status_code == status
    wrong = ask("POST", "git-upload-pack", content=b"0000")
    assert wrong.status_code == 415


def test_a_compressed_request(local, repository, ask):
    headers = {
        "Authorization": f"Bearer {local.cloud.credentials.github_token}",
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
        "Git-Protocol": "version=2",
    }
    answer = ask("POST", "git-upload-pack", headers=headers, content=gzip.compress(b"0014command=ls-refs\n0000"))
    assert answer.status_code == 200
    assert b"refs/heads/main" in answer.content


def test_an_archived_repository_takes_no_push(gh, repository, clone, address, ask):
    gh.patch(repository, json={"archived": True})
    clone.commit("refused", a="1")
    refused = clone.try_git("push", "origin", "main")
    assert "remote: This repository was archived so it is read-only." in refused.said
    assert "403" in refused.said
    assert ask("POST", "git-receive-pack").status_code == 403
    assert run("ls-remote", address()).code == 0


def test_two_pushes_at_once(gh, repository, address, bare, tmp_path):
    clones = [Clone.of(address(), tmp_path / f"clone-{number}") for number in range(6)]
    heads = [clone.commit(f"from {number}", a=os.urandom(MEBIBYTE)) for number, clone in enumerate(clones)]

    def push_all(branch):
        pushes = [clone.start("push", "-q", "origin", f"main:{branch(n)}") for n, clone in enumerate(clones)]
        said = [push.communicate()[1] for push in pushes]
        return [push.returncode for push in pushes], said

    codes, said = push_all(lambda _: "main")
    assert sorted(codes)[:2] == [0, 1]
    assert all("rejected" in text for code, text in zip(codes, said, strict=True) if code)
    assert gh.get(f"{repository}/commits/main")["sha"] == heads[codes.index(0)]
    assert push_all(lambda number: f"branch-{number}")[0] == [0] * 6
    branches = {one["name"]: one["commit"]["sha"] for one in gh.get(f"{repository}/branches")}
    assert [branches[f"branch-{number}"] for number in range(6)] == heads
    assert run(f"--git-dir={bare}", "fsck", "--strict").code == 0


class Watched:
    """The largest memory of this process, which is the server's, while something goes on."""

    def __enter__(self):
        process, self._ended = psutil.Process(), threading.Event()
        self._before = self._peak = process.memory_info().rss

        def watch():
            while not self._ended.wait(0.03):
                self._peak = max(self._peak, process.memory_info().rss)

        self._thread = threading.Thread(target=watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    @property
    def grown(self):
        return self._peak - self._before


def test_fifty_megabytes_cost_no_memory_and_hold_up_no_call(gh, repository, clone, address, tmp_path):
    for number in range(5):
        (clone.path / f"{number}.bin").write_bytes(os.urandom(10 * MEBIBYTE))
    head = clone.commit("large")
    slowest = 0.0
    with Watched() as memory:
        started = time.monotonic()
        push = clone.start("push", "-q", "origin", "main")
        while push.poll() is None:
            asked = time.monotonic()
            gh.get(repository)
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.05)
        assert push.communicate()[1] == ""
        pushed = time.monotonic() - started
        again = Clone.of(address(), tmp_path / "again")
    assert again.git("rev-parse", "HEAD") == head
    assert memory.grown < 40 * MEBIBYTE
    assert pushed < 120
    assert slowest < 5


def test_a_repository_that_was_deleted_meanwhile(gh, repository, name, clone):
    clone.commit("late", a="1")
    gh.delete(repository, status=204)
    assert "remote: Repository not found." in clone.try_git("push", "origin", "main").said
    gh.post("/orgs/{org}/repos", status=201, json={"name": name, "private": True})
    clone.git("push", "-q", "origin", "main")


def test_snapshots_and_reset_wait_for_pushes(local, tmp_path):
    with LocalCloud.run(tmp_path) as fresh:
        fresh.client.headers["Authorization"] = f"Bearer {fresh.cloud.credentials.cloudflare_token}"
        token = fresh.cloud.credentials.github_token
        github = {"Authorization": f"Bearer {token}"}
        body = {"name": "app", "auto_init": True}
        fresh.client.post("/api/v3/orgs/overskill/repos", headers=github, json=body).raise_for_status()
        base = fresh.client.base_url
        url = f"http://git:{token}@{base.host}:{base.port}/overskill/app.git"
        clone = Clone.of(url, tmp_path / "clone")
        for number in range(3):
            clone.commit(f"number {number}", a=os.urandom(4 * MEBIBYTE))
            push = clone.start("push", "-q", "origin", "main")
            while push.poll() is None:
                fresh.client.post(f"/_local/snapshots/during-{number}").raise_for_status()
            assert push.communicate()[1] == ""
        fresh.client.post("/_local/reset").raise_for_status()
        assert "not found" in clone.try_git("push", "origin", "main").said
        for number in range(3):
            fresh.client.post(f"/_local/snapshots/during-{number}/restore").raise_for_status()
            path = fresh.cloud.repositories.path("overskill", "app")
            assert run(f"--git-dir={path}", "fsck", "--strict").code == 0
            assert run(f"--git-dir={path}", "log", "-1", "main").code == 0
        clone.git("push", "-q", "origin", "main")
