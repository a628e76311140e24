"""The local copies of GitHub's own actions, in workflows that use them as a deploy does."""

import pytest
from workflow_runs import Actions


@pytest.fixture
def actions(gh, local, repository, clone):
    return Actions(gh, repository, clone)


def test_checkout_has_history_other_refs_and_can_push(gh, name, actions):
    actions.clone.git("checkout", "-q", "-b", "other")
    actions.clone.commit("other", other_txt="other")
    actions.clone.git("push", "-q", "origin", "other")
    actions.clone.git("checkout", "-q", "main")
    actions.push(
        ci=f"""
on: push
permissions: {{contents: write}}
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: test ! -e README.md
      - uses: actions/checkout@0123456789012345678901234567890123456789
        with: {{fetch-depth: 0}}
      - uses: actions/checkout@v5
        with: {{repository: overskill/{name}, ref: other, path: second, persist-credentials: false}}
      - run: |
          test "$(git rev-parse HEAD)" = "$GITHUB_SHA" && test "$(git rev-list --count HEAD)" = 2
          test "$(git branch --show-current)" = main
          test "$(cat second/other.txt)" = other
          git config --local --list | grep -c extraheader
          ! git -C second config --local --list | grep extraheader
          git tag made && git push -q origin made
"""
    )
    run = actions.ended()
    assert run["conclusion"] == "success", actions.logs(run)
    assert gh.get(f"{actions.repository}/git/ref/tags/made")["object"]["sha"] == run["head_sha"]


@pytest.fixture
def within_a_module(tmp_path_factory):
    """The state is in a checkout whose package.json makes every `.js` below it an ES module, as this project's does."""
    file = tmp_path_factory.getbasetemp() / "package.json"
    file.write_text('{"type": "module"}')
    yield
    file.unlink()


@pytest.mark.usefixtures("within_a_module")
def test_node_cache_and_artifacts(actions):
    ci = """
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - id: node
        uses: actions/setup-node@v4
        with: {node-version: 24, cache: npm}
      - id: cache
        uses: actions/cache@v4
        with: {path: kept, key: "key-ONE", restore-keys: key-}
      - run: |
          echo "node ${{ steps.node.outputs.node-version }}"
          echo "hit ${{ steps.cache.outputs.cache-hit }} has $(cat kept/it || true)"
          mkdir -p kept dist/deep && echo ONE > kept/it
          echo a > dist/a.js; echo b > dist/deep/b.js; echo c > dist/c.map
      - uses: actions/upload-artifact@v4
        with: {name: site, path: "dist/**/*.js"}
  deploy:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: {name: site, path: got}
      - run: cd got && find . -type f | sort | tr '\\n' ' '
"""

    def log(one):
        actions.push(ci=ci.replace("ONE", one))
        run = actions.ended()
        logs = actions.logs(run)
        assert run["conclusion"] == "success", logs
        assert "./a.js ./deep/b.js" in "".join(logs.values())
        return actions.log(actions.jobs(run)["build"])

    first = log("1")
    assert "node v24." in first
    assert "hit false has \n" in first + "\n"
    assert "hit false has 1" in log("2")
    actions.clone.commit("again")
    assert "hit true has 1" in log("1")


@pytest.mark.parametrize(
    ("uses", "options", "told"),
    [
        ("setup-node", "{node-version: 20}", "Node 20 is asked for, this machine has v"),
        ("checkout", "{submodules: true}", "does not serve submodules"),
        ("download-artifact", "{name: none}", "Artifact not found for name: none"),
    ],
)
def test_what_they_cannot_do_fails_the_step(actions, uses, options, told):
    actions.push(
        ci=f"""
on: push
jobs:
  one: {{runs-on: ubuntu-latest, steps: [{{uses: actions/{uses}@v4, with: {options}}}]}}
"""
    )
    run = actions.ended()
    assert run["conclusion"] == "failure"
    assert told in actions.log(actions.jobs(run)["one"])


def test_what_there_is_no_copy_of_fails_its_step_if_that_is_reached(actions):
    """On GitHub a step that is skipped takes no harm from its action, whatever that is."""
    ci = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - if: vars.NOWHERE != ''
        uses: aws-actions/configure-aws-credentials@61815dcd50bd041e203e49132bacad1fd04d2708
      - if: github.ref == 'WHICH'
        uses: github/codeql-action/upload-sarif@v4
        with: {sarif_file: it.sarif}
      - run: echo "went on"
"""
    actions.push(ci=ci.replace("WHICH", "refs/heads/none"))
    run = actions.ended()
    assert run["conclusion"] == "success", actions.logs(run)
    actions.push(ci=ci.replace("WHICH", "refs/heads/main"))
    run = actions.ended()
    assert run["conclusion"] == "failure"
    assert "this machine has no github/codeql-action/upload-sarif@v4; it has actions/cache," in str(actions.logs(run))
    actions.push(ci=ci.replace("if: github.ref == 'WHICH'", "name: Certain"))
    run = actions.ended()
    assert run["conclusion"] == "failure"
    assert "went on" not in str(actions.logs(run))
