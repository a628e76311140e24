// What the pipeline's scripts are tested with: an app, a run, a server that answers as it is told.

import http from "node:http";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const APP = {
  id: "abc123",
  account: "account-1",
  scripts: { preview: "preview-abc123", staging: "staging-abc123", production: "abc123" },
  namespaces: { preview: "o-preview", staging: "o-staging", production: "o-production" },
  urls: {
    preview: "https://preview-abc123.example/",
    staging: "https://staging-abc123.example/",
    production: "https://abc123.example/",
  },
  pullRequests: { script: "preview-abc123-pr{number}", url: "https://preview-abc123-pr{number}.example/" },
  hooks: "https://platform.example/api/hooks/deploy",
};

export const RUN = {
  app: APP,
  target: { environment: "production", namespace: "o-production", script: "abc123", url: "https://abc123.example/" },
  commit: "c0ffee",
  pullRequest: null,
  actor: "ada",
  run: { id: 7, attempt: 1, url: "https://github.example/o/abc123/actions/runs/7" },
};

export const folder = () => mkdtempSync(join(tmpdir(), "pipeline-"));

/**
 * @typedef {{ method: string, url: string, headers: object, body: string }} Call
 *
 * A server for one test; `answer` gives `[status, body]` of each request, which are kept in `calls`.
 *
 * @param {import("node:test").TestContext} t
 * @param {(call: Call, number: number) => [number, unknown]} answer
 */
export async function serving(t, answer) {
  const calls = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const call = { method: request.method, url: request.url, headers: request.headers, body };
    const [status, content] = answer(call, calls.push(call));
    response.writeHead(status).end(JSON.stringify(content));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  t.after(() => server.close());
  return { calls, url: `http://127.0.0.1:${server.address().port}` };
}
