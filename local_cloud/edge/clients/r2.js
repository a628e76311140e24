// An R2 bucket, as an app sees it, over workerd's own protocol for R2: workerd gives no such binding to an app that its
// loader has loaded. A message is JSON, its size in a header, and an object's bytes behind it. What is thrown has the
// texts of workerd's binding.
// Keep this file ASCII: workerd may read it as Latin-1.

const URL_OF_WORKERD = "https://fake-host/";
const NO_SUCH_KEY = 10007;
const MAX_PART_NUMBER = 10000;

/** In the order in which an answer numbers them: R2's name, and how many bytes there are. */
const CHECKSUMS = { md5: ["MD5", 16], sha1: ["SHA-1", 20], sha256: ["SHA-256", 32], sha384: ["SHA-384", 48], sha512: ["SHA-512", 64] };
const HTTP_HEADERS = {
  contentType: "content-type",
  contentLanguage: "content-language",
  contentDisposition: "content-disposition",
  contentEncoding: "content-encoding",
  cacheControl: "cache-control",
  cacheExpiry: "expires",
};
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
    const message = { method: "get", object: String(key), ...rangeOf(range), ...conditionOf(onlyIf), ...ssecOf(ssecKey) };
    const answer = await this._read(message);
    if (!answer) return null;
    return answer.met ? new R2ObjectBody(answer.message, answer.body) : new R2Object(answer.message);
  }

  async put(key, value, options = {}) {
    const message = { method: "put", object: String(key), ...aboutOf(options), ...conditionOf(options.onlyIf), ...checksumOf(options) };
    const answer = await this._write(message, bytesOf("put", "R2Bucket", value ?? ""));
    return answer.met ? new R2Object(answer.message) : null;
  }

  async delete(keys) {
    await this._write({ method: "delete", ...(Array.isArray(keys) ? { objects: keys.map(String) } : { object: String(keys) }) });
  }

  async list({ limit, prefix, cursor, delimiter, startAfter, include } = {}) {
    const numbers = include?.map((name) => {
      if (INCLUDED.includes(name)) return INCLUDED.indexOf(name);
      throw new RangeError(`Unsupported include value ${name}`);
    });
    const { message } = await this._read({ method: "list", limit, prefix, cursor, delimiter, startAfter, include: numbers });
    return { ...message, objects: message.objects.map((one) => new R2Object(one)), cursor: message.cursor };
  }

  async createMultipartUpload(key, options = {}) {
    const { message } = await this._write({ method: "createMultipartUpload", object: String(key), ...aboutOf(options) });
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
    return Object.fromEntries(Object.entries(this).map(([name, bytes]) => [name, bytes && new Uint8Array(bytes).toHex()]));
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
  if (typeof value === "string" || ArrayBuffer.isView(value) || kinds.some((kind) => value instanceof kind)) return value;
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

function aboutOf({ httpMetadata, customMetadata, storageClass }) {
  const custom = customMetadata && Object.entries(customMetadata).map(([k, v]) => ({ k, v: String(v) }));
  return { httpFields: httpFieldsOf(httpMetadata), customFields: custom, storageClass };
}

function httpFieldsOf(metadata) {
  if (metadata === undefined) return undefined;
  const found = Object.keys(HTTP_HEADERS).map((name) => {
    const value = metadata instanceof Headers ? metadata.get(HTTP_HEADERS[name]) : metadata[name];
    return [name, name === "cacheExpiry" && value ? new Date(value).getTime() : (value ?? undefined)];
  });
  return Object.fromEntries(found);
}

function checksumOf(options) {
  const [name, ...others] = Object.keys(CHECKSUMS).filter((one) => options[one] !== undefined);
  if (others.length) throw new TypeError("You cannot specify multiple hashing algorithms.");
  if (!name) return {};
  const [algorithm, size] = CHECKSUMS[name];
  const given = options[name];
  if (typeof given === "string") {
    if (given.length !== 2 * size) throw new TypeError(`${algorithm} is ${2 * size} hex characters, not ${given.length}`);
    if (!/^[0-9a-f]*$/i.test(given)) throw new TypeError(`Provided ${algorithm} wasn't a valid hex string`);
  }
  const bytes = typeof given === "string" ? Uint8Array.fromHex(given) : new Uint8Array(given.buffer ?? given, given.byteOffset ?? 0, given.byteLength);
  if (bytes.length !== size) throw new TypeError(`${algorithm} is ${size} bytes, not ${bytes.length}`);
  return { [name]: name === "md5" ? bytes.toBase64() : bytes.toHex() };
}

function rangeOf(range) {
  if (range === undefined) return {};
  if (range instanceof Headers) return { rangeHeader: range.get("range") ?? undefined };
  const { offset, length, suffix } = range;
  if (suffix !== undefined && offset !== undefined) throw new TypeError("Suffix is incompatible with offset.");
  if (suffix !== undefined && length !== undefined) throw new TypeError("Suffix is incompatible with length.");
  const texts = { offset: "Invalid range. Starting offset", length: "Invalid range. Length", suffix: "Invalid suffix. Suffix" };
  for (const [name, text] of Object.entries(texts)) {
    if (range[name] < 0) throw new RangeError(`${text} (${range[name]}) must be greater than or equal to 0.`);
    if (range[name] !== undefined && !Number.isInteger(range[name])) {
      throw new RangeError(`${text.replace("suffix", "range")} (${range[name]}) must be an integer, not floating point.`);
    }
  }
  return { range: { offset, length, suffix } };
}

function conditionOf(condition) {
  if (condition === undefined) return {};
  if (condition instanceof Headers) {
    const time = (name) => (condition.has(name) ? new Date(condition.get(name)).getTime() : undefined);
    const onlyIf = {
      etagMatches: etagsOfHeader(condition.get("if-match"), "if-match"),
      etagDoesNotMatch: etagsOfHeader(condition.get("if-none-match"), "if-none-match"),
      uploadedBefore: time("if-unmodified-since"),
      uploadedAfter: time("if-modified-since"),
      secondsGranularity: true,
    };
    return { onlyIf };
  }
  const { etagMatches, etagDoesNotMatch, uploadedBefore, uploadedAfter, secondsGranularity } = condition;
  const onlyIf = {
    etagMatches: etagOf(etagMatches),
    etagDoesNotMatch: etagOf(etagDoesNotMatch),
    uploadedBefore: uploadedBefore && new Date(uploadedBefore).getTime(),
    uploadedAfter: uploadedAfter && new Date(uploadedAfter).getTime(),
    secondsGranularity,
  };
  return { onlyIf };
}

function etagOf(text) {
  if (text === undefined) return undefined;
  if (text === "*") return [{ type: "wildcard" }];
  if (/^".*"$/.test(text)) throw new TypeError(`Conditional ETag should not be wrapped in quotes (${text}).`);
  return [{ value: text, type: "strong" }];
}

function etagsOfHeader(text, header) {
  if (text === null) return undefined;
  const one = /\s*(?:(\*)|(W\/)?"([^"]*)")\s*(?:,|$)/gy;
  const etags = [];
  while (one.lastIndex < text.length) {
    const found = one.exec(text);
    if (!found) throw new Error(`Invalid ETag in ${header} header`);
    const [, any, weak, value] = found;
    etags.push(any ? { type: "wildcard" } : { value, type: weak ? "weak" : "strong" });
  }
  return etags;
}

function ssecOf(key) {
  return key === undefined ? {} : { ssec: { key: typeof key === "string" ? key : new Uint8Array(key).toHex() } };
}

/** JSON that a header can hold. */
function asciiJson(value) {
  return JSON.stringify(value).replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
