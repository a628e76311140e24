// What an app says of an object or asks for, in the words of R2's protocol. What is thrown has the texts of workerd.
// Keep this file ASCII: workerd may read it as Latin-1.

/** By name, in the order in which an answer numbers them: R2's own name, and how many bytes there are. */
export const CHECKSUMS = {
  md5: ["MD5", 16],
  sha1: ["SHA-1", 20],
  sha256: ["SHA-256", 32],
  sha384: ["SHA-384", 48],
  sha512: ["SHA-512", 64],
};
/** The headers that HTTP metadata comes from and goes to. */
export const HTTP_HEADERS = {
  contentType: "content-type",
  contentLanguage: "content-language",
  contentDisposition: "content-disposition",
  contentEncoding: "content-encoding",
  cacheControl: "cache-control",
  cacheExpiry: "expires",
};

export function aboutOf({ httpMetadata, customMetadata, storageClass }) {
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

export function checksumOf(options) {
  const [name, ...others] = Object.keys(CHECKSUMS).filter((one) => options[one] !== undefined);
  if (others.length) throw new TypeError("You cannot specify multiple hashing algorithms.");
  if (!name) return {};
  const [algorithm, size] = CHECKSUMS[name];
  const given = options[name];
  const bytes = typeof given === "string" ? bytesOfHex(given, algorithm, size) : bytesOfBuffer(given);
  if (bytes.length !== size) throw new TypeError(`${algorithm} is ${size} bytes, not ${bytes.length}`);
  return { [name]: name === "md5" ? bytes.toBase64() : bytes.toHex() };
}

function bytesOfHex(text, algorithm, size) {
  if (text.length !== 2 * size) throw new TypeError(`${algorithm} is ${2 * size} hex characters, not ${text.length}`);
  if (!/^[0-9a-f]*$/i.test(text)) throw new TypeError(`Provided ${algorithm} wasn't a valid hex string`);
  return Uint8Array.fromHex(text);
}

function bytesOfBuffer(given) {
  if (!ArrayBuffer.isView(given)) return new Uint8Array(given);
  return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
}

export function rangeOf(range) {
  if (range === undefined) return {};
  if (range instanceof Headers) return { rangeHeader: range.get("range") ?? undefined };
  const { offset, length, suffix } = range;
  if (suffix !== undefined && offset !== undefined) throw new TypeError("Suffix is incompatible with offset.");
  if (suffix !== undefined && length !== undefined) throw new TypeError("Suffix is incompatible with length.");
  for (const [name, what] of Object.entries({ offset: "Starting offset", length: "Length", suffix: "Suffix" })) {
    const value = range[name];
    const kind = name === "suffix" ? "suffix" : "range";
    if (value < 0) throw new RangeError(`Invalid ${kind}. ${what} (${value}) must be greater than or equal to 0.`);
    if (value !== undefined && !Number.isInteger(value)) {
      throw new RangeError(`Invalid range. ${what} (${value}) must be an integer, not floating point.`);
    }
  }
  return { range: { offset, length, suffix } };
}

export function conditionOf(condition) {
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

export function ssecOf(key) {
  return key === undefined ? {} : { ssec: { key: typeof key === "string" ? key : new Uint8Array(key).toHex() } };
}
