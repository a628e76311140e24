"""GitHub: blobs, trees, commits, tags and refs, as clients put a commit together."""

from base64 import b64encode

import pytest

NONE = "0" * 40


@pytest.fixture
def head(gh, repository):
    return gh.get(f"{repository}/git/ref/heads/main")["object"]["sha"]


@pytest.fixture
def commit(gh, repository, head):
    """Makes a commit of files upon another one; its hash."""

    def made(**files):
        parent = head
        tree = [{"path": path, "mode": "100644", "type": "blob", "content": text} for path, text in files.items()]
        made = gh.post(f"{repository}/git/trees", status=201, json={"base_tree": parent, "tree": tree})
        body = {"message": "put together", "tree": made["sha"], "parents": [parent]}
        return gh.post(f"{repository}/git/commits", status=201, json=body)["sha"]

    return made


def test_a_commit_is_put_together(gh, repository, clone, head):
    body = {"content": b64encode(bytes(range(256))).decode(), "encoding": "base64"}
    blob = gh.post(f"{repository}/git/blobs", status=201, json=body)["sha"]
    shown = gh.get(f"{repository}/git/blobs/{blob}")
    assert (shown["size"], shown["encoding"]) == (256, "base64")
    raw = gh.send("GET", f"{repository}/git/blobs/{blob}", headers={"Accept": "application/vnd.github.raw"})
    assert raw.content == bytes(range(256))
    entries = [
        {"path": "data.bin", "mode": "100644", "type": "blob", "sha": blob},
        {"path": "src/run", "mode": "100755", "content": "#!/bin/sh\n"},
        {"path": "README.md", "mode": "100644", "sha": None},
    ]
    tree = gh.post(f"{repository}/git/trees", status=201, json={"base_tree": head, "tree": entries})
    assert [one["path"] for one in tree["tree"]] == ["data.bin", "src"]
    everything = gh.get(f"{repository}/git/trees/{tree['sha']}", params={"recursive": "1"})["tree"]
    assert [(one["path"], one["mode"], one["type"]) for one in everything] == [
        ("data.bin", "100644", "blob"),
        ("src", "040000", "tree"),
        ("src/run", "100755", "blob"),
    ]
    body = {"message": "ümlaut\n\nand more", "tree": tree["sha"], "parents": [head]}
    made = gh.post(f"{repository}/git/commits", status=201, json=body)
    assert gh.get(f"{repository}/git/commits/{made['sha']}") == made
    assert (made["message"], made["author"]["name"]) == ("ümlaut\n\nand more", "local-cloud")
    moved = gh.patch(f"{repository}/git/refs/heads/main", json={"sha": made["sha"]})
    assert moved["object"] == gh.get(f"{repository}/git/ref/heads/main")["object"]
    clone.git("pull", "-q")
    assert (clone.path / "data.bin").read_bytes() == bytes(range(256))
    assert clone.git("rev-parse", "HEAD") == made["sha"]
    assert not (clone.path / "README.md").exists()


def test_a_tree_of_folders(gh, repository, clone, head):
    (clone.path / "src" / "deep").mkdir(parents=True)
    (clone.path / "src" / "deep" / "a").write_text("1")
    clone.commit("folders", b="2")
    clone.git("push", "-q", "origin", "main")
    source = gh.get(f"{repository}/contents")[2]
    assert (source["name"], source["type"]) == ("src", "dir")
    moved = [
        {"path": "lib", "mode": "040000", "type": "tree", "sha": source["sha"]},
        {"path": "src", "mode": "040000", "type": "tree", "sha": None},
        {"path": "b/c", "mode": "100644", "content": "b is a folder now"},
        {"path": "sub", "mode": "160000", "type": "commit", "sha": head},
        {"path": "link", "mode": "120000", "content": "lib"},
    ]
    main = gh.get(f"{repository}/git/ref/heads/main")["object"]["sha"]
    made = gh.post(f"{repository}/git/trees", status=201, json={"base_tree": main, "tree": moved})
    assert {one["path"]: one["type"] for one in made["tree"]} == {
        "README.md": "blob",
        "b": "tree",
        "lib": "tree",
        "link": "blob",
        "sub": "commit",
    }
    paths = [one["path"] for one in gh.get(f"{repository}/git/trees/{made['sha']}?recursive=true")["tree"]]
    assert paths == ["README.md", "b", "b/c", "lib", "lib/deep", "lib/deep/a", "link", "sub"]
    assert gh.get(f"{repository}/git/trees/main")["sha"] == gh.get(f"{repository}/git/commits/{main}")["tree"]["sha"]
    gh.call("GET", f"{repository}/git/trees/none", status=404)
    empty = gh.post(f"{repository}/git/trees", status=201, json={"tree": []})
    assert empty["tree"] == []


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"path": "../a", "mode": "100644", "content": "x"}, "malformed path component"),
        ({"path": "a//b", "mode": "100644", "content": "x"}, "malformed path component"),
        ({"path": ".GIT/a", "mode": "100644", "content": "x"}, "malformed path component"),
        ({"path": "a", "mode": "100644", "sha": NONE}, "is not a valid blob"),
        ({"path": "a", "mode": "040000", "sha": NONE}, "is not a valid tree"),
        ({"path": "a", "mode": "040000", "content": "x"}, "files only"),
        ({"path": "a", "mode": "100644"}, "Must supply either"),
        ({"path": "a", "mode": "100644", "type": "tree", "content": "x"}, "is not one of a tree"),
        ({"path": "a", "mode": "100600", "content": "x"}, "mode"),
    ],
)
def test_a_wrong_entry_is_refused(gh, repository, entry, message):
    refused = gh.call("POST", f"{repository}/git/trees", status=422, json={"tree": [entry]})
    assert message in refused["message"]


def test_what_is_not_there_or_another_kind(gh, repository, head):
    tree = gh.get(f"{repository}/git/commits/{head}")["tree"]["sha"]
    for kind, sha in (("blobs", head), ("blobs", "x"), ("commits", tree), ("commits", head[:8]), ("tags", head)):
        gh.call("GET", f"{repository}/git/{kind}/{sha}", status=404)
    commits = f"{repository}/git/commits"
    gh.call("POST", commits, status=422, json={"message": "x", "tree": head})
    gh.call("POST", commits, status=422, json={"message": "x", "tree": tree, "parents": [tree]})
    gh.call("POST", commits, status=501, json={"message": "x", "tree": tree, "signature": "-----BEGIN"})
    for date in ("yesterday", "0001-01-01T00:00:00Z", "2026-01-01", "2026-13-01T00:00:00Z"):
        author = {"name": "Ada", "email": "ada@example.com", "date": date}
        gh.call("POST", commits, status=422, json={"message": "x", "tree": tree, "author": author})
    gh.call("POST", f"{repository}/git/trees", status=422, json={"tree": [], "base_tree": NONE})
    gh.call("POST", f"{repository}/git/blobs", status=422, json={"content": "?", "encoding": "base64"})


def test_a_commit_without_a_time_that_can_be_read(gh, repository, clone, head):
    text = clone.git("cat-file", "commit", head)
    broken = clone.path / "broken"
    broken.write_text("\n".join(line.rsplit(" ", 2)[0] if line[:6] == "author" else line for line in text.splitlines()))
    sha = clone.git("hash-object", "--literally", "-t", "commit", "-w", str(broken))
    clone.git("push", "-q", "origin", f"{sha}:refs/heads/broken")
    assert gh.get(f"{repository}/commits/{sha}")["commit"]["author"]["date"] == "1970-01-01T00:00:00Z"


def test_an_annotated_tag(gh, repository, clone, head):
    clone.git("tag", "-a", "-m", "the first\n\none", "v1")
    clone.git("push", "-q", "origin", "v1")
    sha = gh.get(f"{repository}/git/ref/tags/v1")["object"]["sha"]
    tag = gh.get(f"{repository}/git/tags/{sha}")
    assert (tag["tag"], tag["message"], tag["tagger"]["name"]) == ("v1", "the first\n\none", "Ada")
    assert (tag["object"]["type"], tag["object"]["sha"]) == ("commit", head)


def test_refs_are_made_moved_and_deleted(gh, repository, told, head, commit):
    heard = told("push")
    made = gh.post(f"{repository}/git/refs", status=201, json={"ref": "refs/heads/feature/x", "sha": head})
    assert (made["ref"], made["object"]["type"]) == ("refs/heads/feature/x", "commit")
    taken = gh.call("POST", f"{repository}/git/refs", status=422, json={"ref": "refs/heads/main", "sha": head})
    assert taken["message"] == "Reference already exists"
    second, third = commit(a="1"), commit(a="2")
    gh.patch(f"{repository}/git/refs/heads/feature/x", json={"sha": second})
    refused = gh.call("PATCH", f"{repository}/git/refs/heads/feature/x", status=422, json={"sha": third})
    assert refused["message"] == "Update is not a fast forward"
    gh.patch(f"{repository}/git/refs/heads/feature/x", json={"sha": third, "force": True})
    gh.post(f"{repository}/git/refs", status=201, json={"ref": "refs/tags/feature", "sha": third})
    assert [one["ref"] for one in gh.get(f"{repository}/git/matching-refs/heads/fea")] == ["refs/heads/feature/x"]
    assert gh.get(f"{repository}/git/matching-refs/heads/none") == []
    gh.delete(f"{repository}/git/refs/heads/feature/x", status=204)
    gone = gh.call("DELETE", f"{repository}/git/refs/heads/feature/x", status=422)
    assert gone["message"] == "Reference does not exist"
    forced = {push["after"]: push["forced"] for _, push in heard(5) if push["ref"].startswith("refs/heads")}
    assert forced == {head: False, second: False, third: True, NONE: False}


def test_refs_that_can_not_be(gh, repository, name, cleanup, head):
    tree = gh.get(f"{repository}/git/commits/{head}")["tree"]["sha"]
    for ref, sha, status in (
        ("heads/x", head, 422),
        ("refs/x", head, 422),
        ("refs/heads/a..b", head, 422),
        ("refs/heads/\0", head, 422),
        ("refs/heads/x.lock", head, 422),
        ("refs/notes/x", head, 501),
        ("refs/heads/x", NONE, 422),
        ("refs/heads/x", "main", 422),
        ("refs/heads/x", tree, 422),
        ("refs/heads/main/x", head, 409),
    ):
        gh.call("POST", f"{repository}/git/refs", status=status, json={"ref": ref, "sha": sha})
    gh.call("PATCH", f"{repository}/git/refs/heads/none", status=422, json={"sha": head})
    gh.call("DELETE", f"{repository}/git/refs/heads/main", status=422)
    assert [one["ref"] for one in gh.get(f"{repository}/git/matching-refs/heads/")] == ["refs/heads/main"]
    gh.post("/orgs/{org}/repos", status=201, json={"name": f"{name}-empty", "private": True})
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}-empty"))
    body = {"ref": "refs/heads/x", "sha": head}
    empty = gh.call("POST", f"/repos/{{org}}/{name}-empty/git/refs", status=409, json=body)
    assert empty["message"] == "Git Repository is empty."
