// Whether the public address serves a commit: "deployed" means that people see it.

import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** Where an app says which commit it is. */
export const VERSION_FILE = ".well-known/overskill.json";

/** What the platform answers in an app's place on purpose, by the `code` of its pages. */
const WITHHELD = new Set(["private", "suspended", "over-quota", "legal", "maintenance"]);

/**
 * Returns once `url` serves `commit`, or is withheld by the platform, which is told.
 *
 * @param {string} url
 * @param {string} commit
 * @param {{ seconds?: number }} [options]
 */
export async function untilLive(url, commit, { seconds = 90 } = {}) {
  const started = Date.now();
  const end = started + seconds * 1_000;
  for (let pause = 100; ; pause = Math.min(pause * 1.5, 2_000)) {
    const found = await served(new URL(`${VERSION_FILE}?${commit}`, url)).catch((error) => ({
      problem: error.message,
    }));
    if (found.commit === commit)
      return console.log(`live after ${((Date.now() - started) / 1_000).toFixed(1)} s: ${url}`);
    if (WITHHELD.has(found.code)) {
      return console.log(
        `::notice::deployed, but ${url} is withheld by the platform (${found.code}), so nobody could look`,
      );
    }
    if (Date.now() + pause > end) {
      throw new Error(
        `${url} does not serve ${commit} after ${seconds} s: ${found.problem ?? `it serves ${found.commit}`}`,
      );
    }
    await sleep(pause);
  }
}

/**
 * `{commit}` of the app, `{code, problem}` of the platform's own page, or `{problem}`.
 *
 * @param {URL} url
 * @returns {Promise<{ commit?: string, code?: string, problem?: string }>}
 */
async function served(url) {
  const { status, text } = await get(url);
  const problem = `it answers ${status}`;
  try {
    const { commit, code } = JSON.parse(text);
    return { commit, code, problem: commit ? undefined : problem };
  } catch {
    return { problem };
  }
}

/**
 * @param {URL} url
 * @returns {Promise<{ status?: number, text: string }>}
 */
function get(url) {
  // Names below localhost are this machine (RFC 6761), which not every resolver knows.
  const hostname = url.hostname.endsWith(".localhost") ? "127.0.0.1" : url.hostname;
  const headers = { Host: url.host, Accept: "application/json", "Cache-Control": "no-cache" };
  const options = { hostname, port: url.port, path: url.pathname + url.search, headers, agent: false, timeout: 5_000 };
  return new Promise((fulfil, reject) => {
    const request = (url.protocol === "https:" ? https : http).get(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part) => (text += part));
      response.on("error", reject).on("end", () => fulfil({ status: response.statusCode, text }));
    });
    request.on("timeout", () => request.destroy(new Error("it does not answer within 5 s"))).on("error", reject);
  });
}
