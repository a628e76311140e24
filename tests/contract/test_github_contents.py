"""GitHub: files and folders, read at a commit and written by commits."""

from base64 import b64decode, b64encode

import pytest
from git_client import Clone


def sent(text, **more):
    return {"message": "by the API", "content": b64encode(text.encode()).decode(), **more}


@pytest.fixture
def pushed(clone):
    """A commit with a file, a folder, a program, links and a large file."""
    (clone.path / "src").mkdir()
    (clone.path / "src" / "index.js").write_text("export default {};\n")
    (clone.path / "run.sh").write_text("#!/bin/sh\n")
    (clone.path / "run.sh").chmod(0o755)
    (clone.path / "src" / "readme").symlink_to("../README.md")
    (clone.path / "nowhere").symlink_to("../../etc")
    (clone.path / "large").write_bytes(b"x" * (1024 * 1024 + 1))
    head = clone.commit("many kinds")
    clone.git("push", "-q", "origin", "main")
    return head


def test_a_file_is_written_changed_and_deleted(gh, repository, told, clone):
    heard = told("push")
    made = gh.put(f"{repository}/contents/src/a%20b.txt", status=201, json=sent("one\n"))
    assert (made["content"]["path"], made["content"]["type"], made["content"]["size"]) == ("src/a b.txt", "file", 4)
    shown = gh.get(f"{repository}/contents/src/a%20b.txt")
    assert b64decode(shown["content"]) == b"one\n"
    assert (shown["sha"], shown["encoding"]) == (made["content"]["sha"], "base64")
    ada = {"name": "Ada", "email": "ada@example.com", "date": "2026-01-02T03:04:05+02:00"}
    body = sent("two\n", sha=shown["sha"], branch="main", author=ada)
    changed = gh.put(f"{repository}/contents/src/a%20b.txt", json=body)
    assert changed["commit"]["author"] == {**ada, "date": "2026-01-02T01:04:05Z"}
    assert changed["commit"]["parents"][0]["sha"] == made["commit"]["sha"]
    clone.git("pull", "-q")
    assert (clone.path / "src" / "a b.txt").read_text() == "two\n"
    assert clone.git("log", "-1", "--format=%an %aI %s") == "Ada 2026-01-02T03:04:05+02:00 by the API"
    deletion = {"message": "away", "sha": changed["content"]["sha"]}
    gone = gh.call("DELETE", f"{repository}/contents/src/a%20b.txt", json=deletion)
    assert (gone["content"], gone["commit"]["message"]) == (None, "away")
    gh.call("GET", f"{repository}/contents/src", status=404)
    made_by_pushes = {push["after"] for _, push in heard(3)}
    assert made_by_pushes == {one["commit"]["sha"] for one in (made, changed, gone)}
    assert gh.get(repository)["pushed_at"] >= made["commit"]["author"]["date"]


def test_what_is_there_is_not_written_over_unseen(gh, repository):
    readme = gh.get(f"{repository}/contents/README.md")
    path = f"{repository}/contents/README.md"
    assert gh.call("PUT", path, status=422, json=sent("x"))["message"] == 'Invalid request.\n\n"sha" wasn\'t supplied.'
    wrong = gh.call("PUT", path, status=409, json=sent("x", sha="0" * 40))
    assert wrong["message"] == f"README.md does not match {'0' * 40}"
    gh.call("PUT", f"{repository}/contents/new", status=409, json=sent("x", sha=readme["sha"]))
    gh.call("DELETE", path, status=422, json={"message": "x"})
    gh.call("DELETE", path, status=409, json={"message": "x", "sha": "0" * 40})
    gh.call("DELETE", f"{repository}/contents/none", status=409, json={"message": "x", "sha": readme["sha"]})
    gh.call("PUT", path, status=422, json={**sent("x"), "content": "not base64!"})
    gh.call("PUT", f"{repository}/contents/a%2F..%2Fb", status=422, json=sent("x"))
    gh.call("PUT", f"{repository}/contents/.git/config", status=422, json=sent("x"))
    gh.call("PUT", f"{repository}/contents/new", status=404, json=sent("x", branch="none"))
    gh.call("PUT", f"{repository}/contents/new", status=422, json=sent("x", author={"name": "<", "email": "a"}))
    assert gh.get(f"{repository}/commits/main")["commit"]["message"] == "Initial commit"
    assert gh.get(path)["sha"] == readme["sha"]


def test_the_first_file_of_all_makes_the_default_branch(gh, name, cleanup):
    gh.post("/orgs/{org}/repos", status=201, json={"name": name, "private": True})
    repository = f"/repos/{{org}}/{name}"
    cleanup(lambda: gh.send("DELETE", repository))
    assert gh.call("GET", f"{repository}/contents/a", status=404)["message"] == "This repository is empty."
    gh.call("PUT", f"{repository}/contents/a", status=404, json=sent("1", branch="other"))
    made = gh.put(f"{repository}/contents/a", status=201, json=sent("1"))
    assert made["commit"]["parents"] == []
    assert [one["name"] for one in gh.get(f"{repository}/branches")] == ["main"]


def test_folders_links_and_programs(gh, repository, pushed):
    root = {one["name"]: one for one in gh.get(f"{repository}/contents")}
    assert {name: one["type"] for name, one in root.items()} == {
        "README.md": "file",
        "large": "file",
        "nowhere": "symlink",
        "run.sh": "file",
        "src": "dir",
    }
    assert root["src"]["size"] == 0
    assert root["src"]["git_url"].endswith(f"/git/trees/{root['src']['sha']}")
    listed = gh.get(f"{repository}/contents/src", params={"ref": pushed[:8]})
    assert [one["path"] for one in listed] == ["src/index.js", "src/readme"]
    assert gh.get(f"{repository}/contents/src/readme")["path"] == "README.md"
    nowhere = gh.get(f"{repository}/contents/nowhere")
    assert (nowhere["type"], nowhere["target"]) == ("symlink", "../../etc")
    gh.put(f"{repository}/contents/run.sh", json=sent("#!/bin/sh\nls\n", sha=root["run.sh"]["sha"]))
    modes = {one["path"]: one["mode"] for one in gh.get(f"{repository}/git/trees/main")["tree"]}
    assert modes["run.sh"] == "100755"
    gh.call("PUT", f"{repository}/contents/src", status=422, json=sent("x"))
    gh.call("PUT", f"{repository}/contents/README.md/below", status=201, json=sent("x"))
    assert gh.get(f"{repository}/contents/README.md")[0]["name"] == "below"


def test_bytes_as_they_are(gh, repository, pushed):
    raw = {"Accept": "application/vnd.github.raw+json"}
    answer = gh.send("GET", f"{repository}/contents/src/index.js", headers=raw)
    assert (answer.text, answer.headers["content-type"]) == (
        "export default {};\n",
        "application/vnd.github.raw; charset=utf-8",
    )
    large = gh.get(f"{repository}/contents/large")
    assert (large["content"], large["encoding"], large["size"]) == ("", "none", 1024 * 1024 + 1)
    assert len(gh.send("GET", f"{repository}/contents/large", headers=raw).content) == 1024 * 1024 + 1
    whole = gh.get(f"{repository}/contents/src", headers={"Accept": "application/vnd.github.object+json"})
    assert (whole["type"], [one["name"] for one in whole["entries"]]) == ("dir", ["index.js", "readme"])


def test_at_another_commit(gh, repository, pushed):
    assert gh.call("GET", f"{repository}/contents/src", status=404, params={"ref": f"{pushed}^"})
    missing = gh.call("GET", f"{repository}/contents/src", status=404, params={"ref": "none"})
    assert missing["message"] == "No commit found for the ref none"
    gh.call("GET", f"{repository}/contents/none", status=404)
    gh.call("GET", f"{repository}/contents/src", status=422, params={"branch": "main"})
    assert gh.get(f"{repository}/readme")["path"] == "README.md"
    gh.call(
        "DELETE",
        f"{repository}/contents/README.md",
        json={"message": "away", "sha": gh.get(f"{repository}/contents/README.md")["sha"]},
    )
    gh.call("GET", f"{repository}/readme", status=404)
    assert gh.get(f"{repository}/readme", params={"ref": pushed})["name"] == "README.md"


def test_an_archived_repository_is_not_written_to(gh, repository):
    gh.patch(repository, json={"archived": True})
    gh.call("PUT", f"{repository}/contents/a", status=403, json=sent("x"))
    assert gh.get(f"{repository}/contents")[0]["name"] == "README.md"


def test_what_the_api_has_written_is_pulled(gh, repository, clone, address, tmp_path):
    made = gh.put(f"{repository}/contents/a", status=201, json=sent("1"))
    clone.commit("at the same time", b="1")
    refused = clone.try_git("push", "origin", "main")
    assert "[rejected]" in refused.said
    clone.git("pull", "-q", "--rebase", "origin", "main")
    clone.git("push", "-q", "origin", "main")
    assert Clone.of(address(), tmp_path / "again").git("rev-parse", "HEAD^") == made["commit"]["sha"]
