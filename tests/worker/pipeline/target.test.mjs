import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf } from "../../../app_template/.github/overskill/failure.mjs";
import { runOf, targetOf } from "../../../app_template/.github/overskill/target.mjs";
import { APP } from "./setting.mjs";

test("a branch or a pull request says what is deployed where", () => {
  assert.deepEqual(targetOf(APP, "main", null), {
    environment: "production",
    namespace: "o-production",
    script: "abc123",
    url: "https://abc123.example/",
  });
  assert.equal(targetOf(APP, "staging", null).script, "staging-abc123");
  assert.deepEqual(targetOf(APP, "12/merge", 12), {
    environment: "preview",
    namespace: "o-preview",
    script: "preview-abc123-pr12",
    url: "https://preview-abc123-pr12.example/",
  });
});

test("what has no place is refused with what there is", () => {
  assert.throws(() => targetOf(APP, "idea", null), /branch idea is deployed nowhere/);
  const { preview, ...namespaces } = APP.namespaces;
  assert.throws(() => targetOf({ ...APP, namespaces }, "12/merge", 12), /has no preview; it has staging, production/);
});

test("a pull request's commit is its head, and not what GitHub has merged to try it", () => {
  const env = {
    OVERSKILL_APP: JSON.stringify(APP),
    GITHUB_SHA: "merged",
    GITHUB_RUN_ID: "7",
    GITHUB_RUN_ATTEMPT: "2",
    GITHUB_REF_NAME: "main",
  };
  const run = runOf(env, { pull_request: { number: 3, head: { sha: "head" } } });
  assert.deepEqual([run.commit, run.pullRequest, run.run.id, run.run.attempt], ["head", 3, 7, 2]);
  assert.equal(runOf(env, {}).commit, "merged");
});

test("a failure is told by the step that had it, in its own words if it left any", () => {
  assert.deepEqual(endOf({ begin: { outcome: "success" }, test: { outcome: "failure", outputs: {} } }), [
    "failed",
    "step test failed; its log says why",
  ]);
  assert.deepEqual(endOf({ deploy: { outcome: "failure", outputs: { error: "no route" } } }), ["failed", "no route"]);
  assert.equal(endOf({ begin: { outcome: "success" }, build: { outcome: "cancelled" } })[0], "cancelled");
});
