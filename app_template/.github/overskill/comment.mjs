// The one comment of a pull request that tells where its preview is.

import { setTimeout as sleep } from "node:timers/promises";
import { api } from "./github.mjs";

const MARK = "<!-- overskill preview -->";
const AUTHOR = "github-actions[bot]";
const PAUSES = [1_000, 3_000];

/**
 * Made, or changed. One that may have been made by a call that failed is looked for before another is.
 *
 * @param {import("./target.mjs").Run} run
 * @param {Record<string, string | undefined>} env
 * @param {string} text
 * @param {number[]} [pauses] milliseconds between tries
 */
export async function comment({ pullRequest, run }, env, text, pauses = PAUSES) {
  const body = `${MARK}\n${text}\n\n[Log](${run.url})`;
  for (const pause of [...pauses, undefined]) {
    const known = await find((page) => api(env, "GET", `issues/${pullRequest}/comments?per_page=100&page=${page}`));
    if (known) return api(env, "PATCH", `issues/comments/${known.id}`, { body });
    try {
      return await api(env, "POST", `issues/${pullRequest}/comments`, { body }, []);
    } catch (error) {
      if (pause === undefined || (error.status ?? 500) < 500) throw error;
      await sleep(pause);
    }
  }
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
