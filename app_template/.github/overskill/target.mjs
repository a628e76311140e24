// What this run deploys, and where: read from the event and from what the platform says of the app.

/**
 * @typedef {object} App the variable OVERSKILL_APP
 * @property {string} id
 * @property {string} account
 * @property {Record<string, string>} scripts by app environment, as are namespaces and urls
 * @property {Record<string, string>} namespaces
 * @property {Record<string, string>} urls
 * @property {{ script: string, url: string }} [pullRequests] with `{number}` for the pull request's
 * @property {string} hooks where deploys are told
 * @property {string} [broker] what wrangler takes for Cloudflare's API, where the platform deploys
 * @property {string} [audience] who the identity token is for, with `broker`
 * @property {string} [cloudflare] Cloudflare's API without `broker`, if it isn't the usual one
 *
 * @typedef {{ environment: string, namespace: string, script: string, url: string }} Target
 *
 * @typedef {object} Run
 * @property {App} app
 * @property {Target} target
 * @property {string} commit
 * @property {number | null} pullRequest
 * @property {string} actor
 * @property {{ id: number, attempt: number, url: string }} run
 */

/**
 * @param {Record<string, string | undefined>} env
 * @param {any} event GitHub's payload
 * @returns {Run}
 */
export function runOf(env, event) {
  const app = JSON.parse(env.OVERSKILL_APP ?? "");
  const pullRequest = event.pull_request?.number ?? null;
  return {
    app,
    target: targetOf(app, env.GITHUB_REF_NAME ?? "", pullRequest),
    commit: event.pull_request?.head.sha ?? env.GITHUB_SHA,
    pullRequest,
    actor: env.GITHUB_ACTOR ?? "",
    run: {
      id: Number(env.GITHUB_RUN_ID),
      attempt: Number(env.GITHUB_RUN_ATTEMPT),
      url: `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`,
    },
  };
}

/**
 * @param {App} app
 * @param {string} branch
 * @param {number | null} pullRequest
 * @returns {Target}
 */
export function targetOf(app, branch, pullRequest) {
  const environment = pullRequest ? "preview" : { main: "production", staging: "staging" }[branch];
  if (!environment) throw new Error(`branch ${branch} is deployed nowhere: main is production, staging is staging`);
  const namespace = app.namespaces[environment];
  if (!namespace)
    throw new Error(`app ${app.id} has no ${environment}; it has ${Object.keys(app.namespaces).join(", ")}`);
  const numbered = (text) => text.replace("{number}", String(pullRequest));
  const { script, url } = pullRequest
    ? app.pullRequests
    : { script: app.scripts[environment], url: app.urls[environment] };
  return { environment, namespace, script: numbered(script), url: numbered(url) };
}
