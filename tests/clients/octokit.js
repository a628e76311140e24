// Calls @octokit/rest as it is told: a line of JSON for each call, a line of JSON for each answer.
// {"call": "repos.get", "given": {...}, "names": {...}} -> {"status": 200, "data": {...}}; what the call's path needs
// and is not given is taken from `names`, and so is the `token` of who calls. `paginate repos.listForOrg` collects all
// pages.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { Octokit } = createRequire(`${process.env.OVERSKILL_TEST_PACKAGES}/`)("@octokit/rest");

const silent = { debug() {}, info() {}, warn() {}, error() {} };

async function answer({ call, given, names }) {
  const [path, paginated] = call.split(" ").reverse();
  const octokit = new Octokit({ baseUrl: process.env.GITHUB_API, auth: names.token, log: silent });
  const [scope, method] = path.split(".");
  const endpoint = octokit.rest[scope][method];
  const needed = [...endpoint.endpoint.DEFAULTS.url.matchAll(/{(\w+)}/g)].map((match) => match[1]);
  const parameters = { ...Object.fromEntries(needed.map((name) => [name, names[name]])), ...given };
  try {
    if (paginated) return { status: 200, data: await octokit.paginate(endpoint, parameters) };
    const { status, data } = await endpoint(parameters);
    return { status, data };
  } catch (error) {
    if (!error.status) throw error;
    return { status: error.status, data: error.response?.data };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
