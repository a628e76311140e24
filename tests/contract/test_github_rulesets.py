"""GitHub: rulesets, and how they hold for pushes, for calls, and for merging."""

from base64 import b64encode

import pytest

PULL_REQUEST = {
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_approving_review_count": 0,
    "required_review_thread_resolution": False,
}
DECLINED = "(push declined due to repository rule violations)"


@pytest.fixture
def ruled(gh, repository):
    """Makes a ruleset for the default branch, of rules by their types; its path."""

    def made(*rules, include=("~DEFAULT_BRANCH",), **more):
        body = {
            "name": "rules",
            "target": "branch",
            "enforcement": "active",
            "conditions": {"ref_name": {"include": list(include), "exclude": []}},
            "rules": [rule if isinstance(rule, dict) else {"type": rule} for rule in rules],
            **more,
        }
        return f"{repository}/rulesets/{gh.post(f'{repository}/rulesets', status=201, json=body)['id']}"

    return made


def content(text, **more):
    return {"message": "by the API", "content": b64encode(text.encode()).decode(), **more}


def test_a_ruleset_is_made_changed_and_deleted(gh, repository, ruled):
    pull_request = {"type": "pull_request", "parameters": PULL_REQUEST}
    path = ruled("deletion", pull_request, source="", source_type="Repository")
    made = gh.get(path)
    assert (made["source"], made["source_type"]) == (f"overskill/{repository.rpartition('/')[2]}", "Repository")
    assert (made["current_user_can_bypass"], made["bypass_actors"]) == ("never", [])
    kept = {**PULL_REQUEST, "allowed_merge_methods": ["merge", "squash", "rebase"]}
    assert [rule.get("parameters", {}).items() >= kept.items() for rule in made["rules"]] == [False, True]
    (listed,) = gh.get(f"{repository}/rulesets", params={"includes_parents": "true"})
    assert listed["id"] == made["id"]
    assert "rules" not in listed
    assert gh.get(f"{repository}/rulesets", params={"targets": "tag"}) == []
    admin = {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "pull_request"}
    changed = gh.put(path, json={"bypass_actors": [admin], "enforcement": "disabled"})
    assert (changed["name"], changed["enforcement"], changed["rules"]) == ("rules", "disabled", made["rules"])
    assert (changed["current_user_can_bypass"], changed["bypass_actors"]) == ("pull_requests_only", [admin])
    assert gh.get(f"{repository}/rules/branches/main") == []
    gh.put(path, json={"enforcement": "active"})
    rules = gh.get(f"{repository}/rules/branches/main")
    assert [(rule["type"], rule["ruleset_id"]) for rule in rules] == [
        ("deletion", made["id"]),
        ("pull_request", made["id"]),
    ]
    assert gh.get(f"{repository}/rules/branches/feature/x") == []
    gh.delete(path, status=204)
    gh.call("GET", path, status=404)


def test_what_is_no_ruleset(gh, repository, ruled):
    ruled("deletion")
    for wrong, status, words in (
        ({"name": "rules"}, 422, "Validation Failed"),
        ({"target": "push"}, 501, "rulesets for pushes"),
        ({"enforcement": "evaluate"}, 501, "evaluate"),
        ({"rules": [{"type": "required_signatures"}]}, 501, "rules of type required_signatures"),
        ({"rules": [{"type": "required_status_checks"}]}, 422, '"required_status_checks" wasn\'t supplied'),
        ({"rules": [{"type": "deletion", "parameters": {"x": 1}}]}, 422, "deletion has none"),
        ({"rules": [{"type": "pull_request"}]}, 422, '"require_code_owner_review" wasn\'t supplied'),
        ({"bypass_actors": [{"actor_id": 1, "actor_type": "Team"}]}, 501, "type Team"),
        ({"conditions": {"ref_name": {"include": ["main"], "exclude": []}}}, 422, "refs/heads/"),
        ({"conditions": {"repository_name": {}}}, 422, "not a permitted key"),
    ):
        body = {"name": "other", "enforcement": "active", **wrong}
        assert words in gh.call("POST", f"{repository}/rulesets", status=status, json=body)["message"]
    gh.call("GET", f"{repository}/rulesets/x", status=404)
    assert len(gh.get(f"{repository}/rulesets")) == 1


def test_changes_must_be_made_through_a_pull_request(gh, repository, clone, ruled):
    ruled({"type": "pull_request", "parameters": PULL_REQUEST}, "non_fast_forward")
    before = clone.git("rev-parse", "HEAD")
    clone.commit("direct", a="1")
    refused = clone.try_git("push", "origin", "main", "main:feature")
    lines = [line.removeprefix("remote: ").rstrip() for line in refused.said.splitlines() if "remote:" in line]
    full_name = gh.get(repository)["full_name"]
    assert lines[:5] == [
        "error: GH013: Repository rule violations found for refs/heads/main.",
        f"Review all repository rules at {gh.client.base_url}/{full_name}/rules?ref=refs%2Fheads%2Fmain",
        "",
        "- Changes must be made through a pull request.",
        "",
    ]
    assert f"! [remote rejected] main -> main {DECLINED}" in refused.said
    assert "[new branch]      main -> feature" in refused.said
    assert clone.git("ls-remote", "origin", "main").split()[0] == before
    message = "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"
    assert gh.call("PUT", f"{repository}/contents/b", status=409, json=content("b"))["message"] == message
    moved = {"sha": clone.git("rev-parse", "HEAD")}
    assert gh.call("PATCH", f"{repository}/git/refs/heads/main", status=422, json=moved)["message"] == message
    gh.post(f"{repository}/pulls", status=201, json={"title": "x", "head": "feature", "base": "main"})
    gh.put(f"{repository}/pulls/1/merge", json={"merge_method": "squash"})
    clone.git("fetch", "-q", "origin")
    assert clone.git("log", "-1", "--format=%s", "origin/main") == "direct (#1)"


@pytest.mark.parametrize(
    ("rule", "refspecs", "words"),
    [
        ("creation", ["main:new"], "Cannot create ref due to creations being restricted."),
        ("deletion", [":old"], "Cannot delete this branch"),
        ("update", ["main:old"], "Cannot update this protected ref."),
        ("non_fast_forward", ["+main^:side"], "Cannot force-push to this branch"),
        ("required_linear_history", ["merge:old"], "This branch must not contain merge commits."),
    ],
)
def test_a_push_that_a_rule_forbids(clone, ruled, rule, refspecs, words):
    clone.git("push", "-q", "origin", "main:old")
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main", "main:side")
    clone.git("checkout", "-q", "-b", "merge", "main^")
    clone.commit("beside", b="1")
    clone.git("merge", "-q", "--no-edit", "main")
    refs = clone.git("ls-remote", "origin")
    ruled(rule, include=["~ALL"])
    refused = clone.try_git("push", "origin", *refspecs)
    assert f"remote: - {words}" in refused.said
    assert DECLINED in refused.said
    assert clone.git("ls-remote", "origin") == refs


def test_a_push_that_no_rule_forbids(clone, ruled):
    ruled("creation", "deletion", "non_fast_forward", "required_linear_history", include=["refs/heads/main"])
    ruled("creation", name="tags", target="tag", include=["refs/tags/v*"])
    first = clone.git("rev-parse", "HEAD")
    head = clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main", "main:a", "main:refs/tags/x")
    clone.git("push", "-q", "--atomic", "origin", f"+{first}:a", "main:b")
    clone.git("push", "-q", "origin", ":a")
    assert "creations being restricted" in clone.try_git("push", "origin", "main:refs/tags/v1").said
    refs = dict(line.split()[::-1] for line in clone.git("ls-remote", "origin").splitlines())
    assert refs == {"HEAD": head, "refs/heads/main": head, "refs/heads/b": head, "refs/tags/x": head}


def test_of_an_atomic_push_all_is_refused(clone, ruled):
    ruled("update")
    clone.commit("more", a="1")
    refs = clone.git("ls-remote", "origin")
    assert clone.try_git("push", "--atomic", "origin", "main", "main:b").code != 0
    assert clone.git("ls-remote", "origin") == refs


@pytest.mark.parametrize("actor", [("OrganizationAdmin", None), ("RepositoryRole", 5)])
def test_who_may_bypass_a_rule(gh, repository, clone, ruled, actor):
    bypass = {"actor_type": actor[0], "actor_id": actor[1], "bypass_mode": "always"}
    path = ruled("update", "deletion", bypass_actors=[bypass])
    assert gh.get(path)["current_user_can_bypass"] == "always"
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main")
    gh.put(f"{repository}/contents/b", status=201, json=content("b"))
    gh.put(path, json={"bypass_actors": [{**bypass, "bypass_mode": "pull_request"}]})
    gh.call("PUT", f"{repository}/contents/c", status=409, json=content("c"))
    gh.put(path, json={"bypass_actors": [{**bypass, "actor_type": "Integration"}]})
    gh.call("PUT", f"{repository}/contents/c", status=409, json=content("c"))


def test_what_a_merge_must_be_like(gh, repository, clone, ruled):
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main:feature")
    clone.git("reset", "-q", "--hard", "HEAD^")
    gh.post(f"{repository}/pulls", status=201, json={"title": "x", "head": "feature", "base": "main"})
    wanted = {**PULL_REQUEST, "allowed_merge_methods": ["merge"], "required_approving_review_count": 1}
    path = ruled("required_linear_history", "deletion", {"type": "pull_request", "parameters": wanted})
    assert gh.get(f"{repository}/pulls/1")["mergeable_state"] == "blocked"
    squash = gh.call("PUT", f"{repository}/pulls/1/merge", status=405, json={"merge_method": "squash"})
    assert squash["message"] == (
        "Repository rule violations found\n\nSquash merges are not allowed on this branch.\n\n"
        "At least 1 approving review is required by reviewers with write access.\n\n"
    )
    merge = gh.call("PUT", f"{repository}/pulls/1/merge", status=405)
    assert "This branch must not contain merge commits." in merge["message"]
    gh.put(path, json={"rules": [{"type": "update"}]})
    assert "Cannot update" in gh.call("PUT", f"{repository}/pulls/1/merge", status=405)["message"]
    admin = {"actor_type": "OrganizationAdmin", "bypass_mode": "pull_request"}
    gh.put(path, json={"bypass_actors": [admin]})
    gh.put(f"{repository}/pulls/1/merge")
    assert gh.get(f"{repository}/pulls/1")["merged"] is True


def test_a_branch_that_must_stay_stays_after_the_merge(gh, repository, clone, ruled):
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main:feature")
    gh.patch(repository, json={"delete_branch_on_merge": True})
    gh.post(f"{repository}/pulls", status=201, json={"title": "x", "head": "feature", "base": "main"})
    ruled("deletion", include=["refs/heads/fea*"])
    gh.put(f"{repository}/pulls/1/merge")
    assert [one["name"] for one in gh.get(f"{repository}/branches")] == ["feature", "main"]
    gh.call("DELETE", f"{repository}/git/refs/heads/feature", status=422)


CHECKS = {"required_status_checks": [{"context": "build"}], "strict_required_status_checks_policy": True}


def required(*contexts, **more):
    checks = [{"context": context} for context in contexts]
    return {"type": "required_status_checks", "parameters": {**CHECKS, "required_status_checks": checks, **more}}


@pytest.fixture
def say(gh, repository):
    """Makes a status of a commit."""

    def said(sha, state, context="build"):
        gh.post(f"{repository}/statuses/{sha}", status=201, json={"state": state, "context": context})

    return said


@pytest.fixture
def pull(gh, repository, clone):
    """The path of a new pull request."""
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main:feature")
    gh.post(f"{repository}/pulls", status=201, json={"title": "x", "head": "feature", "base": "main"})
    return f"{repository}/pulls/1"


@pytest.fixture
def run(gh, installed, repository, pull):
    """Makes a check run of the head."""

    head = gh.get(pull)["head"]["sha"]

    def made(name, conclusion):
        body = {"head_sha": head, "name": name, "conclusion": conclusion}
        return installed().post(f"{repository}/check-runs", status=201, json=body)

    return made


def test_what_a_merge_requires_of_checks(gh, pull, ruled, say, run):
    head = gh.get(pull)["head"]["sha"]
    path = ruled(required("build"))

    def refused():
        assert gh.get(pull)["mergeable_state"] == "blocked"
        return gh.call("PUT", f"{pull}/merge", status=405)["message"].split("\n\n")[1:-1]

    assert refused() == ['Required status check "build" is expected.']
    for state, word in (("pending", "in progress"), ("failure", "failing")):
        say(head, state)
        assert refused() == [f'Required status check "build" is {word}.']
    say(head, "success")
    assert gh.get(pull)["mergeable_state"] == "clean"
    gh.put(path, json={"rules": [required("build", "lint", "test")]})
    assert refused() == ["2 of 3 required status checks are expected."]
    run("lint", "neutral")
    run("test", "timed_out")
    assert refused() == ["1 of 3 required status checks have not succeeded."]
    run("test", "success")
    gh.put(path, json={"rules": [required("build")]})
    gh.put(path, json={"enforcement": "disabled"})
    gh.put(f"{pull.removesuffix('/pulls/1')}/contents/b", status=201, json=content("b"))
    gh.put(path, json={"enforcement": "active"})
    assert refused() == ["This branch is out-of-date with the base branch."]
    gh.put(path, json={"rules": [required("build", strict_required_status_checks_policy=False)]})
    gh.put(f"{pull}/merge")


def test_whose_check_is_required(gh, pull, ruled, say, run):
    say(gh.get(pull)["head"]["sha"], "success")
    own = [{"context": "build", "integration_id": run("other", "success")["app"]["id"]}]
    ruled(required("build", required_status_checks=own))
    gh.call("PUT", f"{pull}/merge", status=405)
    run("build", "success")
    gh.put(f"{pull}/merge")


def test_what_is_pushed_has_passed_its_checks(gh, repository, clone, ruled, say):
    ruled(required("build", "lint", do_not_enforce_on_create=True), include=["refs/heads/main", "refs/heads/new"])
    sha = clone.commit("more", a="1")
    expected = "2 of 2 required status checks are expected."
    assert expected in clone.try_git("push", "origin", "main").said
    assert expected in gh.call("PUT", f"{repository}/contents/b", status=409, json=content("b"))["message"]
    clone.git("push", "-q", "origin", "main:new")
    say(sha, "success")
    assert expected in clone.try_git("push", "origin", "main").said
    say(sha, "success", "lint")
    clone.git("push", "-q", "origin", "main")
    ruled(required("build"), name="others", include=["refs/heads/other"])
    clone.commit("unchecked", a="2")
    assert 'Required status check "build" is expected.' in clone.try_git("push", "origin", "main:other").said
