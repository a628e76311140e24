// An R2 bucket, as an app sees it, over workerd's own protocol for R2: workerd gives no such binding to an app that its
// loader has loaded. A message is JSON, its size in a header, and an object's bytes behind it. What is thrown has the
// texts of workerd's binding.
// Keep this file ASCII: workerd may read it as Latin-1.

import { asciiJson } from "./ascii.js";
import { aboutOf, checksumOf, CHECKSUMS, conditionOf, HTTP_HEADERS, rangeOf, ssecOf } from "./r2_options.js";

const URL_OF_WORKERD = "https://fake-host/";
const NO_SUCH_KEY = 10007;
const MAX_PART_NUMBER = 10000;

const INCLUDED = ["httpMetadata", "customMetadata"];

/** @param {Fetcher} fetcher  leads to the bucket  @returns {R2Bucket} */
export default (fetcher) => new R2Bucket(fetcher);

class R2Bucket {
  #fetcher;

  constructor(fetcher) {
    this.#fetcher = fetcher;
  }

  async head(key) {
    const answer = await this._read({ method: "head", object: String(key) });
    return answer && new R2Object(answer.message);
  }

  /** What doesn't meet `onlyIf` comes without its bytes. */
  async get(key, { onlyIf, range, ssecKey } = {}) {
    const wanted = { ...rangeOf(range), ...conditionOf(onlyIf), ...ssecOf(ssecKey) };
    const answer = await this._read({ method: "get", object: String(key), ...wanted });
    if (!answer) return null;
    return answer.met ? new R2ObjectBody(answer.message, answer.body) : new R2Object(answer.message);
  }

  async put(key, value, options = {}) {
    const told = { ...aboutOf(options), ...conditionOf(options.onlyIf), ...checksumOf(options) };
    const bytes = bytesOf("put", "R2Bucket", value ?? "");
    const answer = await this._write({ method: "put", object: String(key), ...told }, bytes);
    return answer.met ? new R2Object(answer.message) : null;
  }

  async delete(keys) {
    const named = Array.isArray(keys) ? { objects: keys.map(String) } : { object: String(keys) };
    await this._write({ method: "delete", ...named });
  }

  async list({ limit, prefix, cursor, delimiter, startAfter, include } = {}) {
    const included = include?.map((name) => {
      if (INCLUDED.includes(name)) return INCLUDED.indexOf(name);
      throw new RangeError(`Unsupported include value ${name}`);
    });
    const wanted = { limit, prefix, cursor, delimiter, startAfter, include: included };
    const { message } = await this._read({ method: "list", ...wanted });
    return { ...message, objects: message.objects.map((one) => new R2Object(one)), cursor: message.cursor };
  }

  async createMultipartUpload(key, options = {}) {
    const told = { object: String(key), ...aboutOf(options) };
    const { message } = await this._write({ method: "createMultipartUpload", ...told });
    return new R2MultipartUpload(this, String(key), message.uploadId);
  }

  resumeMultipartUpload(key, uploadId) {
    return new R2MultipartUpload(this, String(key), String(uploadId));
  }

  /** @returns {Promise<{met: boolean, message: object, body: ReadableStream} | null>} null: there is no such object */
  async _read(message) {
    const headers = { "CF-R2-Request": asciiJson({ version: 1, ...message }) };
    return answered(message.method, await this.#fetcher.fetch(URL_OF_WORKERD, { headers }));
  }

  async _write(message, bytes = "") {
    const told = new TextEncoder().encode(JSON.stringify({ version: 1, ...message }));
    const body = bytes instanceof ReadableStream ? joined(told, bytes) : new Blob([told, bytes]);
    const init = { method: "PUT", headers: { "CF-R2-Metadata-Size": String(told.length) }, body };
    return answered(message.method, await this.#fetcher.fetch(URL_OF_WORKERD, init));
  }
}

class R2MultipartUpload {
  #bucket;
  key;
  uploadId;

  constructor(bucket, key, uploadId) {
    this.#bucket = bucket;
    this.key = key;
    this.uploadId = uploadId;
  }

  async uploadPart(partNumber, value) {
    const number = Number(partNumber) | 0;
    if (number < 1 || number > MAX_PART_NUMBER) {
      const allowed = `Part number must be between 1 and ${MAX_PART_NUMBER} (inclusive).`;
      throw new TypeError(`${allowed} Actual value was: ${number}`);
    }
    const bytes = bytesOf("uploadPart", "R2MultipartUpload", value);
    const { message } = await this.#bucket._write({ ...this.#named("uploadPart"), partNumber: number }, bytes);
    return { partNumber: number, etag: message.etag };
  }

  async complete(uploadedParts) {
    const parts = uploadedParts.map(({ partNumber, etag }) => ({ etag, part: partNumber }));
    const { message } = await this.#bucket._write({ ...this.#named("completeMultipartUpload"), parts });
    return new R2Object(message);
  }

  async abort() {
    await this.#bucket._write(this.#named("abortMultipartUpload"));
  }

  #named(method) {
    return { method, object: this.key, uploadId: this.uploadId };
  }
}

class R2Object {
  constructor({ name, version, size, etag, uploaded, httpFields, customFields, range, checksums, storageClass }) {
    this.storageClass = storageClass;
    this.range = { ...range, suffix: undefined };
    this.customMetadata = Object.fromEntries(customFields.map(({ k, v }) => [k, v]));
    this.httpMetadata = Object.fromEntries(Object.keys(HTTP_HEADERS).map((name) => [name, httpFields[name]]));
    if ("cacheExpiry" in httpFields) this.httpMetadata.cacheExpiry = new Date(httpFields.cacheExpiry);
    this.uploaded = new Date(uploaded);
    this.checksums = new R2Checksums(checksums);
    this.httpEtag = `"${etag}"`;
    this.etag = etag;
    this.size = size;
    this.version = version;
    this.key = name;
  }

  writeHttpMetadata(headers) {
    for (const [name, header] of Object.entries(HTTP_HEADERS)) {
      const value = this.httpMetadata[name];
      if (value !== undefined) headers.set(header, value instanceof Date ? value.toUTCString() : value);
    }
  }
}

class R2ObjectBody extends R2Object {
  #response;

  constructor(message, body) {
    super(message);
    this.#response = new Response(body.pipeThrough(new FixedLengthStream(message.range.length)));
  }

  get body() {
    return this.#response.body;
  }

  get bodyUsed() {
    return this.#response.bodyUsed;
  }

  async arrayBuffer() {
    return this.#response.arrayBuffer();
  }

  async bytes() {
    return this.#response.bytes();
  }

  async text() {
    return this.#response.text();
  }

  async json() {
    return this.#response.json();
  }

  async blob() {
    return new Blob([await this.#response.arrayBuffer()], { type: this.httpMetadata.contentType ?? "" });
  }
}

/** ArrayBuffers, of the checksums that an object has. */
class R2Checksums {
  constructor(sent) {
    for (const [at, name] of Object.keys(CHECKSUMS).entries()) {
      this[name] = sent[at] === undefined ? undefined : Uint8Array.fromHex(sent[at]).buffer;
    }
  }

  toJSON() {
    const hex = ([name, bytes]) => [name, bytes && new Uint8Array(bytes).toHex()];
    return Object.fromEntries(Object.entries(this).map(hex));
  }
}

/** What an answer holds; throws what it refuses. Its JSON is read, its body is left at what follows. */
async function answered(method, answer) {
  const error = JSON.parse(answer.headers.get("CF-R2-Error") ?? "null");
  const missing = error?.v4code === NO_SUCH_KEY && (method === "head" || method === "get");
  const unmet = answer.status === 412 && (method === "get" || method === "put");
  if (error && !unmet) {
    await answer.body?.cancel();
    if (missing) return null;
    throw new Error(`${method}: ${error.message} (${error.v4code})`);
  }
  const size = Number(answer.headers.get("CF-R2-Metadata-Size") ?? 0);
  if (!size) return { met: !unmet };
  const reader = answer.body.getReader({ mode: "byob" });
  const { value } = await reader.readAtLeast(size, new Uint8Array(size));
  reader.releaseLock();
  return { met: !unmet, message: JSON.parse(new TextDecoder().decode(value)), body: answer.body };
}

function bytesOf(method, of, value) {
  const kinds = [ReadableStream, ArrayBuffer, Blob];
  if (typeof value === "string" || ArrayBuffer.isView(value)) return value;
  if (kinds.some((kind) => value instanceof kind)) return value;
  const types = "JsReadableStream or ArrayBuffer or ArrayBufferView or string or Blob";
  throw new TypeError(`Failed to execute '${method}' on '${of}': parameter 2 is not of type '${types}'.`);
}

/** A stream of both; it fails as the second one does. */
function joined(first, rest) {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const begun = writer.write(first);
  writer.releaseLock();
  begun.then(() => rest.pipeTo(writable)).catch((error) => writable.abort(error).catch(() => {}));
  return readable;
}
