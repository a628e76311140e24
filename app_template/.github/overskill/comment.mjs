// The one comment of a pull request that tells where its preview is.

const MARK = "<!-- overskill preview -->";
const AUTHOR = "github-actions[bot]";

/**
 * @param {import("./target.mjs").Run} run
 * @param {Record<string, string | undefined>} env
 * @param {string} text
 */
export async function comment({ pullRequest, run }, env, text) {
  const api = async (method, path, content) => {
    const headers = { Authorization: `Bearer ${env.GITHUB_TOKEN}`, Accept: "application/vnd.github+json" };
    const body = content && JSON.stringify(content);
    const url = `${env.GITHUB_API_URL}/repos/${env.GITHUB_REPOSITORY}/issues/${path}`;
    const answer = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(10_000) });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const known = await find((page) => api("GET", `${pullRequest}/comments?per_page=100&page=${page}`));
  const body = `${MARK}\n${text}\n\n[Log](${run.url})`;
  await (known ? api("PATCH", `comments/${known.id}`, { body }) : api("POST", `${pullRequest}/comments`, { body }));
}

/**
 * @param {(page: number) => Promise<any[]>} pageOf
 */
async function find(pageOf) {
  for (let number = 1; ; number += 1) {
    const page = await pageOf(number);
    const found = page.find(({ user, body }) => user?.login === AUTHOR && body.startsWith(MARK));
    if (found || page.length < 100) return found;
  }
}
