"""GitHub: what webhooks are told of: themselves, and each push."""

import json
from urllib.parse import parse_qs

from webhook_receiver import SECRET, ended, signed

from local_cloud.git import git_line

NONE = "0" * 40


def test_a_new_hook_is_pinged(gh, local, repository, receiver):
    body = {"config": {"url": f"http://localhost:{receiver.port}/", "content_type": "json", "secret": SECRET}}
    made = gh.post(f"{repository}/hooks", status=201, json=body)
    assert made["last_response"] == {"code": None, "status": "unused", "message": None}
    path = f"{repository}/hooks/{made['id']}"
    (delivery,) = ended(gh, path, 1)
    assert delivery.items() >= {"event": "ping", "status": "OK", "status_code": 200, "redelivery": False}.items()
    assert gh.get(path)["last_response"] == {"code": 200, "status": "active", "message": "OK"}
    ((event, ping),) = receiver.events()
    assert (event, ping["hook_id"], ping["hook"]["id"]) == ("ping", made["id"], made["id"])
    assert ping["hook"]["config"]["secret"] == "********"
    assert ping["repository"]["id"] == gh.get(repository)["id"]
    assert ping["zen"]
    gh.post(f"{path}/pings", status=204)
    ended(gh, path, 2)


def test_a_push_is_told(gh, repository, receiver, hook, clone):
    path = hook(secret=SECRET)
    before = clone.git("rev-parse", "HEAD")
    clone.commit("first", a="1", b="1")
    head = clone.commit("second", a="2", b=None)
    clone.git("push", "-q", "origin", "main")
    (delivery, _) = ended(gh, path, 2)
    ((headers, body),) = receiver.requests
    assert headers["x-hub-signature-256"] == signed(body, "sha256")
    assert headers["x-hub-signature"] == signed(body, "sha1")
    assert headers["x-github-event"] == "push"
    assert headers["x-github-delivery"] == delivery["guid"]
    assert headers["x-github-hook-id"] == path.rpartition("/")[2]
    assert headers["user-agent"].startswith("GitHub-Hookshot/")
    assert headers["content-type"] == "application/json"
    push = json.loads(body)
    assert (push["ref"], push["before"], push["after"]) == ("refs/heads/main", before, head)
    assert (push["created"], push["deleted"], push["forced"], push["base_ref"]) == (False, False, False, None)
    assert [commit["message"] for commit in push["commits"]] == ["first", "second"]
    assert push["head_commit"] == push["commits"][-1]
    assert push["head_commit"]["id"] == head
    assert [push["head_commit"][kind] for kind in ("added", "removed", "modified")] == [[], ["b"], ["a"]]
    assert push["commits"][0]["added"] == ["a", "b"]
    assert push["head_commit"]["author"]["email"] == "ada@example.com"
    assert all(commit["distinct"] for commit in push["commits"])
    assert push["repository"]["full_name"] == gh.get(repository)["full_name"]
    assert isinstance(push["repository"]["pushed_at"], int)
    assert push["pusher"]["name"] == push["sender"]["login"]
    assert push["organization"]["login"] == gh.names["org"]


def test_every_kind_of_push(gh, receiver, hook, clone):
    path = hook("*")
    first = clone.git("rev-parse", "HEAD")
    clone.git("push", "-q", "origin", "main:side")
    second = clone.commit("second", a="1")
    clone.git("push", "-q", "origin", "main", "main:new")
    clone.git("push", "-q", "origin", f"+{first}:main")
    clone.git("push", "-q", "origin", ":side")
    clone.git("tag", "-a", "-m", "tag", "v1")
    clone.git("push", "-q", "origin", "v1")
    ended(gh, path, 11)
    told = {(push["ref"], push["after"]): push for event, push in receiver.events() if event == "push"}
    side = told["refs/heads/side", first]
    assert (side["created"], side["before"], side["base_ref"], side["commits"]) == (True, NONE, "refs/heads/main", [])
    assert side["compare"].endswith("/compare/side")
    assert [commit["id"] for commit in told["refs/heads/new", second]["commits"]] == [second]
    assert [commit["id"] for commit in told["refs/heads/main", second]["commits"]] == [second]
    forced = told["refs/heads/main", first]
    assert (forced["forced"], forced["before"], forced["commits"]) == (True, second, [])
    deleted = told["refs/heads/side", NONE]
    assert (deleted["deleted"], deleted["before"], deleted["head_commit"]) == (True, first, None)
    tag = told["refs/tags/v1", clone.git("rev-parse", "v1")]
    assert (tag["created"], tag["commits"], tag["head_commit"]["id"]) == (True, [], second)
    others = {(event, payload["ref"], payload["ref_type"]) for event, payload in receiver.events() if event != "push"}
    assert others == {
        ("create", "side", "branch"),
        ("create", "new", "branch"),
        ("create", "v1", "tag"),
        ("delete", "side", "branch"),
    }


def test_a_push_of_what_is_unusual(gh, receiver, hook, clone):
    path = hook()
    blob = clone.git("rev-parse", "HEAD:README.md")
    clone.git("tag", "blob", blob)
    clone.git("tag", "tree", "HEAD^{tree}")
    clone.git("tag", "-a", "-m", "of a blob", "annotated", blob)
    clone.git("push", "-q", "origin", "blob", "tree", "annotated")
    clone.git("checkout", "-q", "--orphan", "alone")
    clone.git("commit", "-q", "--allow-empty", "-m", "", "--allow-empty-message")
    clone.git("update-ref", b"refs/heads/not-\xff-utf8", "HEAD")
    clone.git("push", "-q", "origin", "alone", b"refs/heads/not-\xff-utf8")
    ended(gh, path, 6)
    pushes = {push["ref"]: push for _, push in receiver.events()}
    assert [pushes[f"refs/tags/{tag}"]["head_commit"] for tag in ("blob", "tree", "annotated")] == [None] * 3
    assert pushes["refs/heads/alone"]["commits"][0]["message"] == ""
    assert "refs/heads/not-\ufffd-utf8" in pushes


def test_of_many_commits_the_newest_and_of_many_tags_none(gh, receiver, hook, clone):
    path = hook()
    for number in range(25):
        clone.commit(f"number {number}")
        clone.git("tag", f"v{number}")
    clone.git("push", "-q", "origin", "main", "--tags")
    ended(gh, path, 2)
    ((_, push),) = receiver.events()
    assert [commit["message"] for commit in push["commits"]] == [f"number {number}" for number in range(5, 25)]


def test_what_no_process_has_lived_to_tell_is_told_with_the_next_push(gh, bare, receiver, hook, clone):
    path = hook()
    clone.git("push", "-q", "origin", "main:first")
    ended(gh, path, 2)
    git_line(bare, "update-ref", "refs/heads/cut-off", "refs/heads/main")
    clone.git("push", "-q", "origin", "main")
    ended(gh, path, 3)
    assert [push["ref"].rpartition("/")[2] for _, push in receiver.events()] == ["first", "cut-off"]


def test_which_hooks_are_told(gh, repository, receiver, hook, clone):
    told = [hook("push", url=f"http://hook.localhost:{receiver.port}/a"), hook("issues", "*")]
    deaf = [hook("issues", url=f"http://[::1]:{receiver.port}/c"), hook(url=f"http://127.0.0.1:{receiver.port}/d")]
    gh.patch(deaf[1], json={"active": False})
    clone.commit("more")
    clone.git("push", "-q", "origin", "main")
    guids = {ended(gh, path, 2)[0]["guid"] for path in told}
    assert len(guids) == 1
    assert [len(gh.get(f"{path}/deliveries")) for path in deaf] == [1, 1]
    assert sorted(headers["host"].partition(":")[0] for headers, _ in receiver.requests) == [
        "127.0.0.1",
        "hook.localhost",
    ]


def test_a_form(gh, receiver, hook, clone):
    path = hook(content_type="form", secret=SECRET)
    clone.commit("ümlaut & more")
    clone.git("push", "-q", "origin", "main")
    (delivery, _) = ended(gh, path, 2)
    ((headers, body),) = receiver.requests
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert headers["x-hub-signature-256"] == signed(body, "sha256")
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    assert payload["head_commit"]["message"] == "ümlaut & more"
    assert gh.get(f"{path}/deliveries/{delivery['id']}")["request"]["payload"] == payload
