"""From a push to a live address: the template's own pipeline on the local cloud, with git and wrangler as they are."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import yaml
from conftest import PLANTED, Checkout

APP, STACK = "ultrathink", "local.ultrathink"
DISPATCHER = "overskill-development-dispatch.overskill.workers.localhost"
HEADLINE = "Your app is live"
SECONDS = 180
"""For a run, with an npm cache that is cold at first."""

BROKER = "/api/deploy"
ELSEWHERE = "127.0.0.2"
"""A host for which `./dev up` starts no control plane: here the test is one."""
ENDS = {"deploy.succeeded", "deploy.failed"}
REPOSITORY = f"/api/v3/repos/overskill-apps/{APP}"


class Platform(ThreadingHTTPServer):
    """Takes what the pipeline tells; refuses the first call, as a control plane does that is just being started.

    It hands deploys on to `cloudflare` with `token`, where they come with an identity token for it: the least that a
    broker does. `brokered` are those tokens' claims.
    """

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.refused = False
        self.brokered: list[dict[str, Any]] = []
        self.cloudflare = self.token = ""
        super().__init__((ELSEWHERE, 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Platform

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith(BROKER):
            self._hand_on(body)
        else:
            self._take(body)

    do_POST = do_PUT = do_GET

    def _hand_on(self, body: bytes) -> None:
        bearer = self.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(bearer, options={"verify_signature": False})
        if claims.get("aud") == "overskill-deploy":
            self.server.brokered.append(claims)
            bearer = self.server.token
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": self.headers.get("Content-Type", "")}
        url = self.server.cloudflare + self.path.removeprefix(BROKER)
        answer = httpx.request(self.command, url, headers=headers, content=body, trust_env=False, timeout=60)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def _take(self, body: bytes) -> None:
        first, self.server.refused = not self.server.refused, True
        event = json.loads(body)
        if not first:
            signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
            digest = hmac.new(app_secret(event["app"]).encode(), signed, hashlib.sha256).digest()
            assert self.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
            self.server.told.append(event)
        self.send_response(503 if first else 202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def app_secret(app: str = APP) -> str:
    return hmac.new(PLANTED.encode(), f"webhook:{app}".encode(), hashlib.sha256).hexdigest()


class App:
    """The app's clone, and what its repository and its addresses say."""

    def __init__(self, up: Checkout, clone: Path, platform: Platform) -> None:
        self.up, self.clone, self.platform = up, clone, platform

    def git(self, *words: str) -> str:
        run = subprocess.run(["git", *words], cwd=self.clone, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout.strip()

    def push(self, branch: str, **files: str) -> str:
        """Commit the files of `src`, `App_tsx="..."`, and push to the branch; the commit."""
        for name, text in files.items():
            (self.clone / "src" / name.replace("_", ".")).write_text(text)
        self.git("commit", "--all", "--quiet", "-m", f"Change {branch}")
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD")

    def headline(self, branch: str, text: str) -> str:
        source = (self.clone / "src" / "App.tsx").read_text()
        line = next(line for line in source.splitlines() if "HEADLINE =" in line)
        return self.push(branch, App_tsx=source.replace(line, f'export const HEADLINE = "{text}";'))

    def github(self, path: str) -> Any:
        return self.up.api("GET", f"{REPOSITORY}{path}").raise_for_status().json()

    def ended(self, commit: str, event: str = "push") -> dict[str, Any]:
        """The newest run of a commit, once it has ended."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            runs = self.github("/actions/runs")["workflow_runs"]
            found = [run for run in runs if (run["head_sha"], run["event"]) == (commit, event)]
            if found and found[0]["status"] == "completed":
                return found[0]
            time.sleep(0.2)
        raise AssertionError(f"no run of {commit} has ended: {self.github('/actions/runs')}")

    def log(self, run: dict[str, Any]) -> str:
        jobs = self.github(f"/actions/runs/{run['id']}/jobs")["jobs"]
        (job,) = [job for job in jobs if job["conclusion"] != "skipped"]
        token = {"Authorization": f"Bearer {self.up.cloud.credentials()['github_token']}"}
        url = f"http://127.0.0.1:{self.up.cloud.api_port}{REPOSITORY}/actions/jobs/{job['id']}/logs"
        return httpx.get(url, headers=token, follow_redirects=True, trust_env=False).text

    def deployed(self, commit: str, event: str = "push") -> None:
        run = self.ended(commit, event)
        assert run["conclusion"] == "success", self.log(run)

    def page(self, script: str = APP, path: str = "/") -> httpx.Response:
        return self.up.page(f"{script}.overskill.localhost", path)

    def shown(self, script: str = APP) -> str:
        """The code that the page at the subdomain loads, and the same below the path; both must be one."""
        found = []
        for host, prefix in ((f"{script}.overskill.localhost", "/"), (DISPATCHER, f"/app/{script}/")):
            page = self.up.page(host, prefix).text
            source = page.partition('src="./')[2].partition('"')[0]
            assert source.startswith("assets/"), page
            found.append(self.up.page(host, f"{prefix}{source}").text)
        assert found[0] == found[1]
        return found[0]


@pytest.fixture(scope="module")
def app(checkout: Checkout) -> Iterator[App]:
    """The platform, the app with a token of its own, and a clone of what it starts from."""
    platform = Platform()
    checkout.configure("local", overskill__apiBase=f"http://{ELSEWHERE}:{platform.server_port}/api")
    checkout.run("up", "--detach")
    file = checkout.root / "app_stacks" / "stacks" / f"Pulumi.{STACK}.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"]["overskill-apps:deployCredentials"] = "token"
    file.write_text(yaml.safe_dump(content))
    token = platform.token = checkout.cloud.credentials()["cloudflare_token"]
    platform.cloudflare = f"http://127.0.0.1:{checkout.cloud.api_port}/client/v4"
    checkout.pulumi(STACK, "config", "set", "--secret", "overskill-apps:cloudflareToken", token)
    checkout.run("app", "create", APP)
    clone = checkout.root.parent / "clone"
    credentials = f"git:{checkout.cloud.credentials()['github_token']}"
    url = f"http://{credentials}@127.0.0.1:{checkout.cloud.api_port}/overskill-apps/{APP}.git"
    subprocess.run(["git", "clone", "--quiet", url, str(clone)], check=True)
    made = App(checkout, clone, platform)
    made.git("config", "user.name", "Ada")
    made.git("config", "user.email", "ada@example.com")
    yield made
    platform.shutdown()
    platform.server_close()


def test_a_push_to_main_is_live_at_both_addresses(app):
    """And the platform was told of each phase, the first one too, which it did not take at once."""
    assert "is being built" in app.page().text
    commit = app.headline("main", "Ultra Think, first")
    app.deployed(commit)
    assert "Ultra Think, first" in app.shown()
    assert app.page(path="/.well-known/overskill.json").json()["commit"] == commit
    assert app.page(path="/api/hello").json() == {"message": "Hello from ultrathink, production."}
    told = [event for event in app.platform.told if event["commit"] == commit]
    assert [event["type"] for event in told] == [
        f"deploy.{phase}" for phase in ("started", "built", "uploaded", "succeeded")
    ]
    assert told[-1]["url"] == f"http://ultrathink.overskill.localhost:{app.up.cloud.edge_port}/"
    (deployment,) = app.github("/deployments")
    assert (deployment["environment"], deployment["sha"]) == ("production", commit)
    status = app.github(f"/deployments/{deployment['id']}/statuses")[0]
    assert (status["state"], status["environment_url"]) == ("success", told[-1]["url"])


def test_a_push_to_staging_changes_staging_alone(app):
    app.deployed(app.headline("staging", "Only staging"))
    assert "Only staging" in app.shown(f"staging-{APP}")
    assert "Ultra Think, first" in app.shown()
    app.git("reset", "--quiet", "--hard", "origin/main")


def test_a_deploy_is_no_drift(app):
    app.up.drift(STACK, code=0)


def test_what_cannot_be_built_changes_nothing_and_is_told(app):
    before = app.page().text
    commit = app.push("main", App_tsx="export const HEADLINE: number = 'no number';")
    run = app.ended(commit)
    assert run["conclusion"] == "failure"
    assert "is not assignable to type 'number'" in app.log(run)
    assert app.page().text == before
    last = app.platform.told[-1]
    assert (last["type"], last["commit"], last["run"]["id"]) == ("deploy.failed", commit, run["id"])
    assert "check" in last["error"]
    app.git("revert", "--no-edit", "HEAD")


def test_a_pull_request_has_an_address_and_one_comment_until_it_is_closed(app):
    script = f"preview-{APP}-pr1"
    first = app.headline("idea", "An idea")
    pull = app.up.api("POST", f"{REPOSITORY}/pulls", json={"title": "Idea", "head": "idea", "base": "main"})
    assert pull.json()["number"] == 1
    app.deployed(first, "pull_request")
    assert "An idea" in app.shown(script)
    (comment,) = app.github("/issues/1/comments")
    assert f"http://{script}.overskill.localhost:{app.up.cloud.edge_port}/" in comment["body"]
    second = app.headline("idea", "A better idea")
    app.deployed(second, "pull_request")
    assert "A better idea" in app.shown(script)
    (again,) = app.github("/issues/1/comments")
    assert (again["id"], second in again["body"]) == (comment["id"], True)
    assert "Ultra Think, first" in app.shown()
    app.up.api("PATCH", f"{REPOSITORY}/pulls/1", json={"state": "closed"}).raise_for_status()
    deadline = time.monotonic() + SECONDS
    while app.page(script).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    app.deployed(second, "pull_request")
    (last,) = app.github("/issues/1/comments")
    assert "removed" in last["body"]


def test_no_secret_is_in_a_log_or_a_bundle(app):
    secrets = [PLANTED, app_secret(), app.up.cloud.credentials()["cloudflare_token"]]
    for run in app.github("/actions/runs")["workflow_runs"]:
        assert not any(secret in app.log(run) for secret in secrets)
    state = app.up.root / ".overskill" / "local-cloud"
    found = [
        str(path)
        for path in state.rglob("*")
        if path.is_file() and path.name != "credentials.json" and "npm-cache" not in path.parts
        if any(secret.encode() in path.read_bytes() for secret in secrets)
    ]
    assert found == []


def test_generated_code_is_the_first_commit(app, tmp_path):
    """With the platform's pipeline, and without what is nobody's to push; deployed at once, through the platform."""
    code = tmp_path / "code"
    shutil.copytree(app.up.root / "app_template", code, ignore=shutil.ignore_patterns(".github"))
    (code / "node_modules").mkdir()
    (code / "node_modules" / "left.js").touch()
    (code / ".env").write_text("KEY=planted")
    source = code / "src" / "App.tsx"
    source.write_text(source.read_text().replace(HEADLINE, "Generated"))
    assert "is being deployed" in app.up.run("app", "create", "generated", "--from", str(code))
    repository = "/api/v3/repos/overskill-apps/generated"
    tree = app.up.api("GET", f"{repository}/git/trees/main", params={"recursive": "1"}).json()
    paths = {entry["path"] for entry in tree["tree"]}
    assert {".github/workflows/deploy-to-wfp.yml", ".github/overskill/run.mjs", "src/App.tsx"} <= paths
    assert not any(path.startswith(("node_modules", ".env")) for path in paths)
    deadline = time.monotonic() + SECONDS
    while not any(event["app"] == "generated" and event["type"] in ENDS for event in app.platform.told):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "Generated" in app.shown("generated")
    assert {claims["repository"] for claims in app.platform.brokered} == {"overskill-apps/generated"}
    assert {claims["environment"] for claims in app.platform.brokered} == {"production"}
    (code / "package-lock.json").unlink()
    assert "package-lock.json missing" in app.up.run("app", "create", "more", "--from", str(code), code=1)
