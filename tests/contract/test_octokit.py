"""GitHub's calls through GitHub's own client for Node."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from client_steps import RefusedError, Step, play
from octokit_calls import APP_STEPS, LOCAL_STEPS, STEPS

PROGRAM = Path(__file__).parents[1] / "clients" / "octokit.js"


@pytest.fixture(scope="module")
def invoke(gh, test_packages):
    if not test_packages:
        pytest.skip("OVERSKILL_TEST_PACKAGES names no folder")
    environment = {
        "PATH": os.environ["PATH"],
        "OVERSKILL_TEST_PACKAGES": str(test_packages),
        "GITHUB_API": f"{str(gh.client.base_url).rstrip('/')}{gh.root}",
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", PROGRAM], env=environment, stdin=pipe, stdout=pipe, text=True) as process:

        def invoked(call: str, given: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
            names = {"token": gh.token, **names}
            process.stdin.write(json.dumps({"call": call, "given": given, "names": names}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            if answer["status"] >= 400:
                raise RefusedError(answer["status"])
            return answer["data"]

        yield invoked
        process.stdin.close()


@pytest.fixture
def names(gh, name, nobody):
    return {"org": gh.names["org"], "new": name, "nobody": nobody}


@pytest.fixture
def known(names, repository, name):
    """With a repository that is there."""
    return {**names, "owner": names["org"], "repo": name}


@pytest.mark.parametrize("subject", STEPS)
def test_calls(invoke, names, cleanup, subject):
    play(STEPS[subject], names, invoke, cleanup)


@pytest.mark.parametrize("subject", LOCAL_STEPS)
def test_calls_for_this_machine_alone(local, invoke, names, cleanup, subject):
    play(LOCAL_STEPS[subject], names, invoke, cleanup)


@pytest.mark.parametrize("subject", APP_STEPS)
def test_calls_of_the_app(invoke, known, sign, cleanup, subject):
    play(APP_STEPS[subject], {**known, "token": sign()}, invoke, cleanup)


def test_an_annotated_tag(invoke, known, clone, cleanup):
    clone.git("tag", "-a", "-m", "the first", "v1")
    clone.git("push", "-q", "origin", "v1")
    steps = [
        Step("git.getRef", {"ref": "tags/v1"}, {"object": {"type": "tag"}}, keeps={"tag_sha": "object.sha"}),
        Step("git.getTag", gives={"tag": "v1", "message": "the first", "object": {"type": "commit"}}),
    ]
    play(steps, known, invoke, cleanup)
