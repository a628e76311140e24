// The deployments that GitHub shows beside a pull request.

import { api } from "./github.mjs";

/**
 * Have the last ones that led to the preview lead nowhere. GitHub ends older ones of the environment by itself, with each
 * that succeeds.
 *
 * @param {import("./target.mjs").Run} run
 * @param {Record<string, string | undefined>} env
 */
export async function retire({ target }, env) {
  const newest = await api(env, "GET", `deployments?environment=${target.environment}&per_page=30`);
  for (const { id } of newest) {
    const [last] = await api(env, "GET", `deployments/${id}/statuses?per_page=1`);
    if (last?.state === "success" && last.environment_url === target.url)
      await api(env, "POST", `deployments/${id}/statuses`, { state: "inactive" });
  }
}
