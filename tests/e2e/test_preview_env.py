"""The platform of a pull request by the command line: up, listed, swept away, and nothing left of it."""

import re

import pytest
from conftest import PLANTED, Checkout

HOST = "overskill-pr7-development-smoke.pr-7.overskill.localhost"


def left(checkout: Checkout) -> set[str]:
    """What is at both services of pull request 7, by name."""
    namespaces = checkout.api("GET", checkout.account("dispatch/namespaces")).json()["result"]
    zone = checkout.api("GET", checkout.zone("dns_records")).json()["result"]
    repositories = [
        repository["full_name"]
        for owner in ("overskill", "overskill-apps")
        for repository in checkout.api("GET", f"/api/v3/orgs/{owner}/repos").json()
    ]
    names = [*(one["namespace_name"] for one in namespaces), *(one["name"] for one in zone), *repositories]
    return {name for name in names if re.search(r"pr-?7\b", name)}


def test_up_and_swept_away(checkout):
    comment = checkout.root / "comment.md"
    output = checkout.run("stack", "preview-env", "up", "7", "--comment", str(comment))
    assert f"http://{HOST}:{checkout.cloud.edge_port}/" in output
    assert checkout.page(HOST).status_code == 200
    assert "Platform `pr-7` is up" in comment.read_text()
    assert "+ Worker dispatcher" in comment.read_text()
    assert len(left(checkout)) >= 6
    listed = checkout.run("stack", "preview-env", "list")
    assert re.search(r"^pr-7 +22 +\S+ \S+ +\S+ \S+$", listed, re.M), listed
    assert "0 taken away, 1 left" in checkout.run("stack", "preview-env", "sweep", "--by-age")

    # On a machine that has nothing of it but the state, as a runner has.
    checkout.stack_file("pr-7").unlink()
    for file in (checkout.root / "app_stacks" / "stacks").glob("Pulumi.pr-7.*"):
        file.unlink()
    checkout.run("stack", "preview-env", "down", "7", "--comment", str(comment))
    assert left(checkout) == set()
    assert "is gone" in comment.read_text()
    assert "There are none" in checkout.run("stack", "preview-env", "list")
    assert "there is no pr-7" in checkout.run("stack", "preview-env", "down", "7")


@pytest.mark.slow
def test_beside_the_platform_that_it_is_a_copy_of(checkout):
    """Neither knows of the other; a second push changes the copy alone, and tells what."""
    checkout.run("up", "--detach")
    checkout.run("stack", "preview-env", "up", "7")
    comment, pages = checkout.root / "comment.md", checkout.root / "dispatch_worker" / "src" / "pages.js"
    before = pages.read_text()
    pages.write_text(before.replace('"Cache-Control": "no-store"', '"Cache-Control": "no-store", "X-Push": "2"'))
    checkout.run("stack", "preview-env", "up", "7", "--comment", str(comment))
    assert re.search(r"^[+!] WorkerVersion ", comment.read_text(), re.M)
    domain = "overskill.workers.localhost"
    assert checkout.page(f"overskill-pr7-development-dispatch.{domain}").headers["X-Push"] == "2"
    assert "X-Push" not in checkout.page(f"overskill-development-dispatch.{domain}").headers
    pages.write_text(before)
    checkout.drift("local", 0)

    checkout.pulumi("pr-7", "stack", "rm", "--force", "--yes")
    assert "adopted what an interrupted run left" in checkout.run("stack", "preview-env", "up", "7")

    checkout.configure("local", overskill__previewStacks={"most": 1, "ttlHours": 72})
    refused = checkout.run("stack", "preview-env", "up", "8", "--comment", str(comment), code=1)
    assert "allows 1" in refused
    assert "did not come up" in comment.read_text()
    checkout.run("stack", "preview-env", "down", "7")
    assert left(checkout) == set()
    assert checkout.page("ultrathink.overskill.localhost").status_code == 200
    checkout.drift("local", 0)


@pytest.mark.slow
def test_a_deploy_does_what_was_planned_and_is_undone_if_it_does_not_serve(checkout):
    checkout.run("up", "--detach")
    plan = checkout.root / "local.plan"
    source = checkout.root / "dispatch_worker" / "src" / "index.js"
    before = source.read_text()
    source.write_text(before + "\n// another version\n")
    told = checkout.run("stack", "plan", str(plan))
    assert re.search(r"^[+!] WorkerVersion ", told, re.M), told
    secrets = [PLANTED, *checkout.cloud.credentials().values()]
    assert [secret for secret in secrets if len(secret) >= 16 and secret in plan.read_text()] == []
    planned = source.read_text()
    source.write_text(before + "\n// a third version, which nobody has planned\n")
    assert "plan" in checkout.run("stack", "deploy", "--plan", str(plan), code=1)
    source.write_text(planned)
    assert "production" in checkout.run("stack", "deploy", "--plan", str(plan))

    source.write_text("export default { fetch: () => new Response('broken', { status: 500 }) };")
    told = checkout.run("stack", "deploy", code=1)
    assert "does not answer as it should" in told
    assert "is as it was before" in told
    assert checkout.page("ultrathink.overskill.localhost").status_code == 200
    source.write_text(before)
    checkout.configure("local", overskill__rollout=None)
    checkout.run("stack", "deploy")
