import assert from "node:assert/strict";
import { test } from "node:test";
import { comment } from "../../../app_template/.github/overskill/comment.mjs";
import { RUN, serving } from "./setting.mjs";

const OURS = "github-actions[bot]";

test("the one comment is found behind a page of others, and changed; nobody else's ever is", async (t) => {
  const others = Array.from({ length: 100 }, (_, id) => ({
    id,
    user: { login: "ada" },
    body: "<!-- overskill preview -->",
  }));
  const ours = { id: 500, user: { login: OURS }, body: "<!-- overskill preview -->\nold" };
  const github = await serving(t, ({ method, url }) => [
    200,
    method === "GET" ? (url.endsWith("page=1") ? others : [ours]) : {},
  ]);
  const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "o/abc123", GITHUB_TOKEN: "token" };
  await comment({ ...RUN, pullRequest: 4 }, env, "new");
  const { method, url, body } = github.calls.at(-1);
  assert.deepEqual([method, url], ["PATCH", "/repos/o/abc123/issues/comments/500"]);
  assert.match(JSON.parse(body).body, /^<!-- overskill preview -->\nnew\n\n\[Log\]/);
});

test("a comment that GitHub has made, and answered with an error, is not made again", async (t) => {
  const made = [];
  const github = await serving(t, ({ method, body }) => {
    if (method === "POST") made.push({ id: 1, user: { login: OURS }, body: JSON.parse(body).body });
    return method === "POST" ? [502, {}] : [200, method === "GET" ? made : {}];
  });
  const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "o/abc123", GITHUB_TOKEN: "token" };
  await comment({ ...RUN, pullRequest: 4 }, env, "new", [1]);
  assert.deepEqual(
    github.calls.map(({ method }) => method),
    ["GET", "POST", "GET", "PATCH"],
  );
});

test("without one, it is made; what GitHub refuses is told", async (t) => {
  const github = await serving(t, ({ method }) => [
    method === "GET" ? 200 : 403,
    method === "GET" ? [] : { message: "no" },
  ]);
  const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "o/abc123", GITHUB_TOKEN: "token" };
  await assert.rejects(comment({ ...RUN, pullRequest: 4 }, env, "new"), /^Error: POST .*issues\/4\/comments: 403/);
});
