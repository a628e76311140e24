/**
 * Whether one of `patterns` names `host`: `api.example.com` itself, `*.example.com` everything below it and not itself.
 *
 * @param {string[]} patterns lower case
 * @param {string} host a URL's hostname; a dot at its end means nothing
 */
export function covers(patterns, host) {
  const name = host.toLowerCase().replace(/\.$/, "");
  return patterns.some((pattern) => (pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) : name === pattern));
}
