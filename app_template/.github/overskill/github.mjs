// GitHub's API for this run's repository.

import { answered } from "./patience.mjs";

/**
 * What it answers. Throws an error with its `status` where it refuses.
 *
 * @param {Record<string, string | undefined>} env
 * @param {string} method
 * @param {string} path below the repository
 * @param {object} [content]
 * @param {number[]} [pauses] as those of `answered`
 */
export async function api(env, method, path, content, pauses) {
  const headers = { Authorization: `Bearer ${env.GITHUB_TOKEN}`, Accept: "application/vnd.github+json" };
  const url = `${env.GITHUB_API_URL}/repos/${env.GITHUB_REPOSITORY}/${path}`;
  const answer = await answered(url, { method, headers, body: content && JSON.stringify(content) }, pauses);
  if (answer.ok) return answer.json();
  throw Object.assign(new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`), {
    status: answer.status,
  });
}
