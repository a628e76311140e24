import assert from "node:assert/strict";
import { test } from "node:test";
import { retire } from "../../../app_template/.github/overskill/deployments.mjs";
import { RUN, serving } from "./setting.mjs";

test("of the preview's deployments the one that leads to it is ended, and no other pull request's", async (t) => {
  const target = { ...RUN.target, environment: "preview", url: "https://preview-abc123-pr4.example/" };
  const last = {
    1: { state: "success", environment_url: target.url },
    2: { state: "success", environment_url: "https://preview-abc123-pr5.example/" },
    3: { state: "failure", environment_url: target.url },
  };
  const github = await serving(t, ({ method, url }) => {
    if (method === "POST") return [201, {}];
    const status = last[/deployments\/(\d+)/.exec(url)?.[1]];
    return [200, status ? [status] : url.includes("/4/") ? [] : [3, 2, 1, 4].map((id) => ({ id }))];
  });
  const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: "o/abc123", GITHUB_TOKEN: "token" };
  await retire({ ...RUN, target, pullRequest: 4 }, env);
  assert.match(github.calls[0].url, /^\/repos\/o\/abc123\/deployments\?environment=preview&/);
  assert.deepEqual(
    github.calls.filter(({ method }) => method === "POST").map(({ url, body }) => [url, JSON.parse(body)]),
    [["/repos/o/abc123/deployments/1/statuses", { state: "inactive" }]],
  );
});
