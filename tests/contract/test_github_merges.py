"""GitHub: how a pull request is merged, and how it isn't."""

import pytest


@pytest.fixture
def pull(gh, repository, clone):
    """The path of a pull request of two commits, upon a base branch that has gone on."""
    clone.git("checkout", "-q", "-b", "feature")
    clone.commit("first\n\nwhy", one="1")
    clone.commit("second", two="2")
    clone.git("push", "-q", "origin", "feature")
    clone.git("checkout", "-q", "main")
    clone.commit("ahead", ahead="1")
    clone.git("push", "-q", "origin", "main")
    body = {"title": "Two", "body": "both of them", "head": "feature", "base": "main"}
    return f"{repository}/pulls/{gh.post(f'{repository}/pulls', status=201, json=body)['number']}"


def log(clone, form):
    clone.git("pull", "-q", "origin", "main")
    return clone.git("log", "-3", f"--format={form}")


def test_by_a_merge_commit(gh, pull, told, clone):
    heard = told("pull_request", "push")
    merged = gh.put(f"{pull}/merge")
    assert (merged["merged"], merged["message"]) == (True, "Pull Request successfully merged")
    assert log(clone, "%s|%b").startswith("Merge pull request #1 from overskill/feature|Two")
    assert clone.git("rev-parse", "HEAD") == merged["sha"]
    assert clone.git("rev-parse", "HEAD^2") == clone.git("rev-parse", "feature")
    shown = gh.get(pull)
    assert (shown["state"], shown["merged"], shown["merge_commit_sha"]) == ("closed", True, merged["sha"])
    assert (shown["commits"], shown["changed_files"]) == (2, 2)
    events = {(event, payload.get("action")): payload for event, payload in heard(2)}
    assert events["push", None]["after"] == merged["sha"]
    assert events["pull_request", "closed"]["pull_request"]["merge_commit_sha"] == merged["sha"]
    gh.call("PUT", f"{pull}/merge", status=405)
    assert gh.call("PATCH", pull, status=422, json={"state": "open"})["message"] == "Validation Failed"


def test_by_one_commit(gh, pull, clone):
    head = gh.get(pull)["head"]["sha"]
    merged = gh.put(f"{pull}/merge", json={"merge_method": "squash", "sha": head})
    assert log(clone, "%s").splitlines() == ["Two (#1)", "ahead", "Initial commit"]
    assert clone.git("log", "-1", "--format=%b") == "* first\n\nwhy\n\n* second"
    assert gh.get(pull)["merge_commit_sha"] == merged["sha"] == clone.git("rev-parse", "HEAD")
    assert (gh.get(pull)["merged"], (clone.path / "two").read_text()) == (True, "2")


def test_by_copies_of_its_commits(gh, pull, clone):
    merged = gh.put(f"{pull}/merge", json={"merge_method": "rebase"})
    assert log(clone, "%an %cn %s").splitlines() == [
        "Ada local-cloud second",
        "Ada local-cloud first",
        "Ada Ada ahead",
    ]
    assert (gh.get(pull)["merged"], gh.get(pull)["merge_commit_sha"]) == (True, merged["sha"])
    assert sorted(path.name for path in clone.path.glob("[!.]*")) == ["README.md", "ahead", "one", "two"]


def test_with_words_of_ones_own(gh, repository, pull, clone):
    gh.patch(repository, json={"squash_merge_commit_title": "PR_TITLE", "squash_merge_commit_message": "PR_BODY"})
    gh.put(f"{pull}/merge", json={"merge_method": "squash", "commit_title": "My title"})
    assert log(clone, "%s|%b").splitlines()[0] == "My title|both of them"


def test_the_branch_goes_with_it(gh, repository, pull, told):
    gh.patch(repository, json={"delete_branch_on_merge": True})
    heard = told("delete", "push")
    gh.put(f"{pull}/merge")
    assert [one["name"] for one in gh.get(f"{repository}/branches")] == ["main"]
    assert gh.get(pull)["merged"] is True
    pushes = {push["ref"]: push["deleted"] for event, push in heard(3) if event == "push"}
    assert pushes == {"refs/heads/main": False, "refs/heads/feature": True}


def test_what_is_not_merged(gh, repository, pull, clone):
    before = gh.get(f"{repository}/branches/main")["commit"]["sha"]
    moved = gh.call("PUT", f"{pull}/merge", status=409, json={"sha": before})
    assert moved["message"] == "Head branch was modified. Review and try the merge again."
    gh.patch(repository, json={"allow_squash_merge": False})
    refused = gh.call("PUT", f"{pull}/merge", status=405, json={"merge_method": "squash"})
    assert refused["message"] == "Squash merges are not allowed on this repository."
    gh.call("PUT", f"{pull}/merge", status=422, json={"merge_method": "octopus"})
    gh.call("PUT", f"{repository}/pulls/9/merge", status=404)
    gh.patch(pull, json={"state": "closed"})
    gh.call("PUT", f"{pull}/merge", status=405)
    draft = {"title": "x", "head": "feature", "base": "main", "draft": True}
    made = gh.post(f"{repository}/pulls", status=201, json=draft)
    assert (made["number"], made["draft"], made["mergeable_state"]) == (2, True, "draft")
    gh.call("PUT", f"{repository}/pulls/2/merge", status=405)
    assert gh.get(f"{repository}/branches/main")["commit"]["sha"] == before


def test_a_rebase_that_conflicts(gh, pull, clone):
    """The two trees would merge, the first commit alone does not."""
    clone.git("checkout", "-q", "feature")
    clone.commit("to and", README_md="other\n")
    clone.commit("fro", README_md=clone.git("show", "main:README.md") + "\n")
    clone.git("push", "-q", "origin", "feature")
    clone.git("checkout", "-q", "main")
    clone.commit("here too", README_md="mine\n")
    clone.git("push", "-q", "origin", "main")
    assert gh.get(pull)["mergeable"] is True
    gh.call("PUT", f"{pull}/merge", status=405, json={"merge_method": "rebase"})
    assert gh.get(pull)["state"] == "open"
    gh.put(f"{pull}/merge")
