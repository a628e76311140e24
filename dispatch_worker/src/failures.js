/** What is told apart when a dispatch fails. Cloudflare has no codes for it: the messages are all there is. */

/** @type {[string, RegExp][]} */
const MESSAGES = [
  ["no-app", /^Worker not found/],
  ["no-namespace", /^Dispatch namespace not found/],
  ["app-limit", /^Worker exceeded|^Too many subrequests/],
  ["app-exception", /^Failed to start Worker/],
];

/**
 * The runtime marks what an app threw as `remote`; anything else is the platform's.
 *
 * @param {any} error
 * @returns {string} an outcome of pages.js
 */
export function outcomeOf(error) {
  const message = String(error?.message ?? error);
  const told = MESSAGES.find(([, pattern]) => pattern.test(message));
  return told?.[0] ?? (error?.remote ? "app-exception" : "platform-fault");
}
