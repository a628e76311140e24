// A KV namespace, as an app sees it, over workerd's own protocol for KV: workerd gives no such binding to an app that
// its loader has loaded. What is thrown has the texts of workerd's binding.
// Keep this file ASCII: workerd may read it as Latin-1.

import { asciiJson } from "./ascii.js";

const MAX_KEY_BYTES = 512;

/** @param {Fetcher} fetcher  leads to the namespace's values  @returns {KVNamespace} */
export default (fetcher) => new KvNamespace(fetcher);

class KvNamespace {
  #fetcher;

  constructor(fetcher) {
    this.#fetcher = fetcher;
  }

  async get(key, options) {
    if (Array.isArray(key)) return this.#getMany(key, options);
    const { value } = await this.#getOne(key, options);
    return value;
  }

  async getWithMetadata(key, options) {
    if (Array.isArray(key)) return this.#getMany(key, options, { withMetadata: true });
    return this.#getOne(key, options);
  }

  async put(key, value, { expiration, expirationTtl, metadata } = {}) {
    const url = valueUrl("PUT", key);
    if (expiration !== undefined) url.searchParams.set("expiration", wholeNumber(expiration));
    if (expirationTtl !== undefined) url.searchParams.set("expiration_ttl", wholeNumber(expirationTtl));
    const headers = metadata === undefined || metadata === null ? {} : { "CF-KV-Metadata": asciiJson(metadata) };
    await this.#ask("PUT", url, { method: "PUT", headers, body: bodyOf(value) });
  }

  async delete(key) {
    await this.#ask("DELETE", valueUrl("DELETE", key), { method: "DELETE" });
  }

  async list({ prefix, limit, cursor } = {}) {
    const url = new URL("https://fake-host/");
    const asked = { key_count_limit: limit, prefix, cursor };
    for (const [name, value] of Object.entries(asked)) {
      if (value !== undefined && value !== null) url.searchParams.set(name, value);
    }
    const listed = await (await this.#ask("GET", url)).json();
    for (const found of listed.keys) {
      if ("metadata" in found) found.metadata = JSON.parse(found.metadata);
    }
    return { ...listed, cacheStatus: null };
  }

  async #getOne(key, options) {
    const { type = "text", cacheTtl } = typeof options === "string" ? { type: options } : (options ?? {});
    const url = valueUrl("GET", key);
    if (cacheTtl !== undefined) url.searchParams.set("cache_ttl", wholeNumber(cacheTtl));
    const answer = await this.#ask("GET", url, {}, [404]);
    if (answer.status === 404) return { value: null, metadata: null, cacheStatus: null };
    const metadata = answer.headers.get("CF-KV-Metadata");
    return { value: await valueOf(answer, type), metadata: metadata && JSON.parse(metadata), cacheStatus: null };
  }

  async #getMany(keys, options, more = {}) {
    const { type, cacheTtl } = typeof options === "string" ? { type: options } : (options ?? {});
    const ttl = cacheTtl === undefined ? {} : { cacheTtl: wholeNumber(cacheTtl) };
    const body = JSON.stringify({ keys, ...(type && { type }), ...ttl, ...more });
    const headers = { "content-type": "application/json" };
    const answer = await this.#ask("GET_BULK", "https://fake-host/bulk/get", { method: "POST", headers, body });
    return new Map(Object.entries(await answer.json()));
  }

  async #ask(operation, url, init, alsoFine = []) {
    const answer = await this.#fetcher.fetch(url, init);
    if (answer.ok || alsoFine.includes(answer.status)) return answer;
    throw new Error(`KV ${operation} failed: ${answer.status} ${await refusal(answer)}`);
  }
}

function valueUrl(operation, key) {
  const name = String(key);
  if (name === "") throw new TypeError("Key name cannot be empty.");
  if (name === "." || name === "..") throw new TypeError(`"${name}" is not allowed as a key name.`);
  const size = new TextEncoder().encode(name).length;
  if (size > MAX_KEY_BYTES) {
    const wrong = `UTF-8 encoded length of ${size} exceeds key length limit of ${MAX_KEY_BYTES}.`;
    throw new Error(`KV ${operation} failed: 414 ${wrong}`);
  }
  return new URL(`https://fake-host/${encodeURIComponent(name)}?urlencoded=true`);
}

function bodyOf(value) {
  const bytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof ReadableStream;
  if (bytes) return value;
  if (value === null || typeof value !== "object") return String(value);
  const wrong = "KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.";
  throw new TypeError(wrong);
}

async function valueOf(answer, type) {
  switch (type) {
    case "text":
      return answer.text();
    case "json":
      return answer.json();
    case "arrayBuffer":
      return answer.arrayBuffer();
    case "stream":
      return answer.body;
    default:
      throw new TypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
  }
}

/** What the answer says, or what its status does. */
async function refusal(answer) {
  await answer.body?.cancel();
  return answer.statusText;
}

/** As the runtime converts a number of 32 bits. */
function wholeNumber(value) {
  return String(Number(value) | 0);
}
