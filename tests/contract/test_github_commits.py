"""GitHub: branches, refs and commits by API, as a push has left them."""

import pytest


@pytest.fixture
def pushed(clone):
    """The hashes of what is pushed: two commits to `main`, one more to `feature/x`, a tag of each kind."""
    first = clone.commit("first", a="1\n2\n3\n", image=bytes(range(256)))
    second = clone.commit("second\n\nwith a body", a="1\n2\n4\n", README_md=None)
    clone.git("mv", "a", "b")
    feature = clone.commit("moved")
    clone.git("tag", "light", second)
    clone.git("tag", "-a", "-m", "annotated", "v1", first)
    clone.git("push", "-q", "origin", f"{second}:main", f"{feature}:refs/heads/feature/x", "light", "v1")
    return {"first": first, "second": second, "feature": feature, "v1": clone.git("rev-parse", "v1")}


def test_branches(gh, repository, pushed):
    listed = gh.get(f"{repository}/branches")
    assert {one["name"]: one["commit"]["sha"] for one in listed} == {
        "main": pushed["second"],
        "feature/x": pushed["feature"],
    }
    assert listed[0]["commit"]["url"].endswith(f"/commits/{listed[0]['commit']['sha']}")
    assert gh.get(f"{repository}/branches", params={"protected": "true"}) == []
    page = gh.send("GET", f"{repository}/branches", params={"per_page": "1"})
    assert (len(page.json()), page.links.keys()) == (1, {"next", "last"})
    branch = gh.get(f"{repository}/branches/feature%2Fx")
    assert (branch["name"], branch["protected"]) == ("feature/x", False)
    assert branch["commit"]["sha"] == pushed["feature"]
    assert branch["commit"]["commit"]["message"] == "moved"
    assert branch["_links"].keys() == {"self", "html"}
    assert gh.call("GET", f"{repository}/branches/none", status=404)["message"] == "Branch not found"


def test_refs(gh, repository, pushed):
    ref = gh.get(f"{repository}/git/ref/heads/main")
    assert (ref["ref"], ref["object"]["type"], ref["object"]["sha"]) == ("refs/heads/main", "commit", pushed["second"])
    for path in ("heads/feature/x", "heads%2Ffeature%2Fx", "heads/feature%2Fx"):
        assert gh.get(f"{repository}/git/ref/{path}")["object"]["sha"] == pushed["feature"]
    assert gh.get(f"{repository}/git/ref/tags/light")["object"]["type"] == "commit"
    tag = gh.get(f"{repository}/git/ref/tags/v1")["object"]
    assert (tag["type"], tag["sha"]) == ("tag", pushed["v1"])
    for path in ("heads/none", "heads", "heads/main~1", "main", "pull/1/head"):
        assert gh.call("GET", f"{repository}/git/ref/{path}", status=404)["message"] == "Not Found"


def test_commits(gh, repository, pushed):
    commit = gh.get(f"{repository}/commits/main")
    assert commit["sha"] == pushed["second"]
    assert commit["commit"]["message"] == "second\n\nwith a body"
    assert commit["commit"]["author"].items() >= {"name": "Ada", "email": "ada@example.com"}.items()
    assert commit["commit"]["author"]["date"].endswith("Z")
    assert commit["commit"]["tree"]["sha"] != commit["sha"]
    assert [parent["sha"] for parent in commit["parents"]] == [pushed["first"]]
    assert commit["stats"] == {"additions": 1, "deletions": 2, "total": 3}
    files = {file["filename"]: (file["status"], file["additions"], file["deletions"]) for file in commit["files"]}
    assert files == {"a": ("modified", 1, 1), "README.md": ("removed", 0, 1)}
    page = gh.send("GET", f"{repository}/commits/main", params={"per_page": "1", "page": "2"})
    assert (page.json()["stats"], page.links.keys()) == (commit["stats"], {"prev", "first"})
    assert page.json()["files"] == commit["files"][1:]
    for ref in (pushed["second"], pushed["second"][:7], "heads%2Fmain", "light", "tags%2Flight", "HEAD"):
        assert gh.get(f"{repository}/commits/{ref}")["sha"] == pushed["second"]
    assert gh.get(f"{repository}/commits/v1")["sha"] == pushed["first"]
    (moved,) = gh.get(f"{repository}/commits/feature%2Fx")["files"]
    assert (moved["status"], moved["previous_filename"], moved["filename"]) == ("renamed", "a", "b")
    first = gh.get(f"{repository}/commits/{pushed['first']}")
    assert {file["filename"]: file["additions"] for file in first["files"]} == {"a": 3, "image": 0}
    root = gh.get(f"{repository}/commits/{first['parents'][0]['sha']}")
    assert (root["parents"], root["files"][0]["status"]) == ([], "added")


def test_commits_are_listed(gh, repository, pushed):
    listed = gh.get(f"{repository}/commits", params={"sha": "main"})
    assert [one["sha"] for one in listed[:2]] == [pushed["second"], pushed["first"]]
    assert listed == gh.get(f"{repository}/commits")
    assert gh.get(f"{repository}/commits", params={"per_page": "1", "page": "2"})[0]["sha"] == pushed["first"]
    assert gh.get(f"{repository}/commits", params={"sha": pushed["first"][:8]})[0]["sha"] == pushed["first"]
    gh.call("GET", f"{repository}/commits", status=404, params={"sha": "none"})
    gh.call("GET", f"{repository}/commits", status=422, params={"author": "me"})


@pytest.mark.parametrize("ref", ["none", "0" * 40, "main~1", "HEAD%5E", ":a", "%0A", "@%7B0%7D", "main..feature"])
def test_no_such_commit(gh, repository, ref):
    assert gh.call("GET", f"{repository}/commits/{ref}", status=422)["message"].startswith("No commit found for SHA: ")


def test_an_empty_repository_has_none(gh, name, cleanup):
    gh.post("/orgs/{org}/repos", status=201, json={"name": name, "private": True})
    cleanup(lambda: gh.send("DELETE", f"/repos/{{org}}/{name}"))
    assert gh.get(f"/repos/{{org}}/{name}/branches") == []
    refused = gh.call("GET", f"/repos/{{org}}/{name}/commits/main", status=409)
    assert refused["message"] == "Git Repository is empty."
    gh.call("GET", f"/repos/{{org}}/{name}/git/ref/heads/main", status=404)
    gh.call("GET", "/repos/{org}/contract-none/branches", status=404)
    gh.call("GET", f"/repos/{{org}}/{name}/branches", status=422, params={"protected": "some"})


def test_a_merge_is_compared_with_its_first_parent(gh, repository, clone):
    clone.git("checkout", "-q", "-b", "side")
    clone.commit("aside", side="1")
    clone.git("checkout", "-q", "main")
    clone.commit("ahead", ahead="1")
    clone.git("merge", "-q", "--no-edit", "side")
    clone.git("push", "-q", "origin", "main")
    merge = gh.get(f"{repository}/commits/main")
    assert len(merge["parents"]) == 2
    assert [file["filename"] for file in merge["files"]] == ["side"]
