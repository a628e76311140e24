"""GitHub: pull requests, and what becomes of them as branches move."""

import pytest

from local_cloud.git import git_line

NONE = "0" * 40


@pytest.fixture
def branch(clone):
    """Pushes a commit of a file on a branch of its own, made from main if it is new; the commit's hash."""

    def made(branch="feature", message="a feature", **files):
        if clone.git("branch", "--list", branch):
            clone.git("checkout", "-q", branch)
        else:
            clone.git("checkout", "-q", "-b", branch, "main")
        head = clone.commit(message, **(files or {branch: message}))
        clone.git("push", "-q", "origin", branch)
        clone.git("checkout", "-q", "main")
        return head

    return made


@pytest.fixture
def opened(gh, repository):
    """Opens a pull request; its path."""

    def made(head="feature", base="main", **more):
        body = {"title": f"Add {head}", "head": head, "base": base, **more}
        return f"{repository}/pulls/{gh.post(f'{repository}/pulls', status=201, json=body)['number']}"

    return made


def test_a_pull_request_is_opened(gh, repository, told, clone, branch):
    heard, base, head = told("pull_request"), clone.git("rev-parse", "HEAD"), branch(feature="1\n2\n")
    body = {"title": "Add it", "head": "feature", "base": "main", "body": "so **that**"}
    made = gh.post(f"{repository}/pulls", status=201, json=body)
    assert (made["number"], made["state"], made["title"], made["body"]) == (1, "open", "Add it", "so **that**")
    assert (made["head"]["sha"], made["head"]["label"], made["base"]["sha"]) == (head, "overskill:feature", base)
    assert (made["mergeable"], made["merged"], made["mergeable_state"]) == (True, False, "clean")
    assert [made[name] for name in ("commits", "changed_files", "additions", "deletions")] == [1, 1, 2, 0]
    assert gh.get(f"{repository}/pulls/1") == made
    ((_, event),) = heard(1)
    assert (event["action"], event["number"], event["pull_request"]) == ("opened", 1, made)
    assert event["repository"]["full_name"] == f"overskill/{repository.rpartition('/')[2]}"
    assert [one["sha"] for one in gh.get(f"{repository}/pulls/1/commits")] == [head]
    (file,) = gh.get(f"{repository}/pulls/1/files")
    assert (file["filename"], file["status"], file["additions"]) == ("feature", "added", 2)
    gh.call("GET", f"{repository}/pulls/2", status=404)


def test_its_commits_are_fetched_but_not_pushed(clone, branch, opened):
    head = branch()
    opened("OverSkill:feature")
    clone.git("fetch", "-q", "origin", "refs/pull/1/head:got", "refs/pull/1/merge:merge")
    assert clone.git("rev-parse", "got") == head
    assert clone.git("log", "-1", "--format=%P", "merge").split() == [clone.git("rev-parse", "main"), head]
    refused = clone.try_git("push", "origin", "main:refs/pull/1/head")
    assert "deny updating a hidden ref" in refused.said


def test_a_push_updates_it(gh, told, clone, branch, opened):
    first, path = branch(), opened()
    repository, heard = path.removesuffix("/pulls/1"), told("pull_request")
    second = branch(message="more", other="1")
    shown = gh.get(path)
    assert (shown["head"]["sha"], shown["commits"], shown["changed_files"]) == (second, 2, 2)
    assert gh.get(f"{repository}/git/ref/pull/1/head")["object"]["sha"] == second
    gh.put(f"{repository}/contents/api", status=201, json={"message": "x", "content": "", "branch": "feature"})
    assert gh.get(path)["commits"] == 3
    clone.commit("elsewhere", elsewhere="1")
    clone.git("push", "-q", "origin", "main")
    changes = {(event["action"], event["before"]) for _, event in heard(2)}
    assert changes == {("synchronize", first), ("synchronize", second)}
    assert (gh.get(path)["base"]["sha"], gh.get(path)["commits"]) == (clone.git("rev-parse", "main"), 3)


def test_what_conflicts_is_not_mergeable_until_it_does_no_more(gh, clone, branch, opened):
    branch(README_md="mine\n")
    path = opened()
    clone.commit("other", README_md="theirs\n")
    clone.git("push", "-q", "origin", "main")
    shown = gh.get(path)
    assert (shown["mergeable"], shown["mergeable_state"], shown["merge_commit_sha"]) == (False, "dirty", None)
    refused = gh.call("PUT", f"{path}/merge", status=405)
    assert refused["message"] == "Pull Request is not mergeable"
    branch(README_md="theirs\n", message="as there")
    clone.git("checkout", "-q", "feature")
    clone.git("merge", "-q", "-s", "ours", "--no-edit", "main")
    clone.git("push", "-q", "origin", "feature")
    assert gh.get(path)["mergeable"] is True


@pytest.fixture(params=["upon its base", "beside its base"])
def diverged(request, branch, clone):
    """The head of a branch, and whether its base has gone on."""
    head = branch()
    if request.param == "beside its base":
        clone.commit("ahead", ahead="1")
    return head


def test_a_push_that_holds_it_merges_it(gh, told, clone, diverged, opened):
    path, heard = opened(), told("pull_request")
    clone.git("merge", "-q", "--no-edit", "feature")
    clone.git("push", "-q", "origin", "main", ":feature")
    shown = gh.get(path)
    assert (shown["state"], shown["merged"], shown["mergeable"]) == ("closed", True, None)
    assert (shown["merge_commit_sha"], shown["head"]["sha"]) == (clone.git("rev-parse", "main"), diverged)
    assert (shown["commits"], shown["merged_by"]["login"]) == (1, "local-cloud")
    ((_, event),) = heard(1)
    assert (event["action"], event["pull_request"]["merged"]) == ("closed", True)
    gh.call("GET", f"{path}/merge", status=204)


@pytest.mark.parametrize("refspec", [":feature", ":base", "+main:feature"])
def test_what_has_lost_its_branch_or_its_commits_is_closed(gh, clone, branch, opened, refspec):
    clone.git("push", "-q", "origin", "main:base")
    branch()
    path = opened(base="base")
    clone.git("push", "-q", "origin", refspec)
    shown = gh.get(path)
    assert (shown["state"], shown["merged"]) == ("closed", False)
    gh.call("GET", f"{path}/merge", status=404)
    assert gh.call("PATCH", path, status=422, json={"state": "open"})["message"] == "Validation Failed"


def test_it_is_changed_closed_and_opened_again(gh, told, clone, branch, opened):
    branch()
    path, base = opened(), clone.git("rev-parse", "main")
    clone.git("push", "-q", "origin", "main:other")
    heard = told("pull_request")
    assert gh.patch(path, json={"title": "New", "body": "words"})["title"] == "New"
    assert gh.patch(path, json={"title": "New"})["body"] == "words"
    assert gh.patch(path, json={"base": "other"})["base"]["ref"] == "other"
    assert gh.patch(path, json={"state": "closed"})["closed_at"]
    branch(message="in the meantime", more="1")
    reopened = gh.patch(path, json={"state": "open"})
    assert (reopened["closed_at"], reopened["commits"]) == (None, 2)
    events = [event for _, event in heard(4)]
    assert sorted(event["action"] for event in events) == ["closed", "edited", "edited", "reopened"]
    changes = [event["changes"] for event in events if event["action"] == "edited"]
    assert {"title": {"from": "Add feature"}, "body": {"from": None}} in changes
    assert {"base": {"ref": {"from": "main"}, "sha": {"from": base}}} in changes
    for wrong in ({"title": ""}, {"base": "none"}, {"state": "merged"}, {"base": "feature"}):
        gh.call("PATCH", path, status=422, json=wrong)


def test_which_are_listed(gh, repository, branch, opened):
    for number in range(3):
        branch(f"b{number}")
        opened(f"b{number}")
    gh.patch(f"{repository}/pulls/2", json={"state": "closed"})
    pulls = f"{repository}/pulls"

    def numbers(**query):
        return [one["number"] for one in gh.get(pulls, params=query)]

    assert numbers() == [3, 1]
    assert numbers(state="closed") == [2]
    assert numbers(state="all", direction="asc") == [1, 2, 3]
    assert numbers(head="overskill:b2") == [3]
    assert numbers(head="other:b2") == []
    assert numbers(base="other") == []
    assert numbers(state="all", per_page="1", page="2") == [2]
    for wrong in ({"state": "some"}, {"direction": "up"}, {"author": "me"}):
        gh.call("GET", pulls, status=422, params=wrong)
    gh.call("GET", pulls, status=501, params={"sort": "popularity"})


def test_what_can_not_be_opened(gh, repository, clone, branch, opened):
    branch()
    opened()
    clone.git("checkout", "-q", "--orphan", "alone")
    clone.git("commit", "-q", "-m", "alone")
    clone.git("push", "-q", "origin", "alone")
    for body, wrong in (
        ({"head": "none", "base": "main"}, {"field": "head", "code": "invalid"}),
        ({"head": "someone:feature", "base": "main"}, {"field": "head", "code": "invalid"}),
        ({"head": "feature", "base": "none"}, {"field": "base", "code": "invalid"}),
        ({"head": "feature", "base": "main", "title": ""}, {"field": "title", "code": "missing_field"}),
        ({"head": "main", "base": "main"}, {"message": "No commits between main and main"}),
        ({"head": "alone", "base": "main"}, {"message": "The alone branch has no history in common with main"}),
        ({"head": "feature", "base": "main"}, {"message": "A pull request already exists for overskill:feature."}),
    ):
        refused = gh.call("POST", f"{repository}/pulls", status=422, json={"title": "x", **body})
        assert refused["message"] == "Validation Failed"
        assert refused["errors"][0].items() >= wrong.items()
    gh.call("POST", f"{repository}/pulls", status=501, json={"head": "feature", "base": "main", "issue": 1})
    assert [one["number"] for one in gh.get(f"{repository}/pulls", params={"state": "all"})] == [1]


def test_merged_by_a_process_that_has_not_lived_to_say_so(gh, told, bare, branch, opened):
    """As if it had been killed after git had moved the base branch to a squashed commit."""
    branch()
    path, heard = opened(), told("pull_request")
    tree = git_line(bare, "rev-parse", "refs/pull/1/merge^{tree}")
    squashed = git_line(bare, "commit-tree", tree, "-p", "main", "-m", "squashed")
    git_line(bare, "update-ref", "refs/pull/1/merge", squashed)
    git_line(bare, "update-ref", "refs/heads/main", squashed)
    assert gh.get(path)["state"] == "open"
    branch("unrelated")
    shown = gh.get(path)
    assert (shown["merged"], shown["merge_commit_sha"], shown["commits"]) == (True, squashed, 1)
    assert [event["action"] for _, event in heard(1)] == ["closed"]
