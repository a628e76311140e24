"""Whoever calls is who is shown: the user, or the App's bot."""

from base64 import b64encode

import pytest
from webhook_receiver import ended

BOT = "local-overskill[bot]"


@pytest.fixture
def bot(installed):
    """GitHub, called by the App's installation."""
    return installed()


def test_a_pull_request_from_the_bot_merged_by_the_user(gh, bot, repository, receiver, hook):
    path = hook("push", "create", "pull_request", "issue_comment")
    main = gh.get(f"{repository}/git/ref/heads/main")["object"]["sha"]
    bot.post(f"{repository}/git/refs", status=201, json={"ref": "refs/heads/feature", "sha": main})
    body = {"message": "by the API", "content": b64encode(b"1").decode(), "branch": "feature"}
    commit = bot.put(f"{repository}/contents/a", status=201, json=body)["commit"]
    author = {**commit["author"], "date": ""}
    assert author == {"name": BOT, "email": f"1000000001+{BOT}@users.noreply.github.com", "date": ""}
    assert commit["committer"]["name"] == BOT
    pull = bot.post(f"{repository}/pulls", status=201, json={"title": "x", "head": "feature", "base": "main"})
    assert (pull["user"]["login"], pull["user"]["type"], pull["author_association"]) == (BOT, "Bot", "NONE")
    comment = bot.post(f"{repository}/issues/1/comments", status=201, json={"body": "mine"})
    assert (comment["user"]["login"], comment["performed_via_github_app"]["slug"]) == (BOT, "local-overskill")
    comment = gh.patch(f"{repository}/issues/comments/{comment['id']}", json={"body": "ours"})
    assert comment["user"]["login"] == BOT
    gh.put(f"{repository}/pulls/1/merge")
    pull = gh.get(f"{repository}/pulls/1")
    assert (pull["user"]["login"], pull["merged_by"]["login"]) == (BOT, "local-cloud")
    ended(gh, path, 9)
    told = [(event, body.get("action"), body["sender"]["login"]) for event, body in receiver.events()]
    assert sorted(told, key=str) == sorted(
        [
            ("create", None, BOT),
            *[("push", None, BOT)] * 2,
            ("pull_request", "opened", BOT),
            ("issue_comment", "created", BOT),
            ("issue_comment", "edited", "local-cloud"),
            ("push", None, "local-cloud"),
            ("pull_request", "closed", "local-cloud"),
        ],
        key=str,
    )


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merge_by_the_bot(gh, bot, repository, clone, method):
    clone.commit("more", a="1")
    clone.git("push", "-q", "origin", "main:feature")
    gh.post(f"{repository}/pulls", status=201, json={"title": "x", "head": "feature", "base": "main"})
    merged = bot.put(f"{repository}/pulls/1/merge", json={"merge_method": method})
    assert gh.get(f"{repository}/pulls/1")["merged_by"]["login"] == BOT
    assert gh.get(f"{repository}/git/commits/{merged['sha']}")["committer"]["name"] == BOT


def test_a_rule_that_the_app_may_bypass(local, gh, bot, repository, clone):
    number = int(local.cloud.credentials.github_app_id)
    actor = {"actor_type": "Integration", "actor_id": number, "bypass_mode": "always"}
    body = {
        "name": "rules",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~ALL"]}},
        "rules": [{"type": "update"}],
        "bypass_actors": [actor],
    }
    path = f"{repository}/rulesets/{gh.post(f'{repository}/rulesets', status=201, json=body)['id']}"
    assert [one.get(path)["current_user_can_bypass"] for one in (gh, bot)] == ["never", "always"]
    clone.commit("more", a="1")
    assert "Cannot update this protected ref." in clone.try_git("push", "origin", "main").said
    clone.git("push", "-q", clone.git("remote", "get-url", "origin").replace(gh.token, bot.token), "main")
    content = {"message": "by the API", "content": ""}
    gh.call("PUT", f"{repository}/contents/b", status=409, json=content)
    bot.put(f"{repository}/contents/b", status=201, json=content)
    gh.put(path, json={"bypass_actors": [{**actor, "actor_id": 15_368}]})
    bot.call("PUT", f"{repository}/contents/c", status=409, json=content)
