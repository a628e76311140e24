// Calls that fail for a passing reason, no answer, 429 or 5xx, are made again.

import { setTimeout as sleep } from "node:timers/promises";

const PAUSES = [500, 1_500, 4_500];
const LONGEST = 60_000;

/**
 * The answer, whatever it says in the end. Only for what does no harm when it is done twice.
 *
 * @param {string} url
 * @param {RequestInit} call
 * @param {number[]} [pauses] milliseconds between tries; an answer's `Retry-After` comes first
 * @returns {Promise<Response>}
 */
export async function answered(url, call, pauses = PAUSES) {
  for (const pause of [...pauses, undefined]) {
    const answer = await fetch(url, { ...call, signal: AbortSignal.timeout(30_000) }).catch((error) => error);
    const failed = answer instanceof Error;
    if (!failed && answer.status !== 429 && answer.status < 500) return answer;
    if (pause === undefined) {
      if (!failed) return answer;
      throw new Error(`no answer from ${new URL(url).host}: ${answer.cause?.message ?? answer.message}`);
    }
    const asked = failed ? 0 : Number(answer.headers.get("Retry-After")) * 1_000;
    await sleep(Math.min(asked || pause, LONGEST));
  }
}
