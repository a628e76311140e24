// What a Worker may do with its bindings KV, R2 and DB, one operation after the other, and what comes of each: told in
// JSON, so that workerd's own bindings and the local cloud's clients can be compared.

const PART = 5 * 1024 * 1024;
const stream = (text) => new Response(text).body;
const sha256 = async (text) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));

const operations = {
  kv: async ({ KV }, step) => {
    await step("nothing", () => KV.get("absent"));
    await step("nothing with metadata", () => KV.getWithMetadata("absent"));
    await step("put", () => KV.put("a/\u00e9 ?&#%", "w\u00f6rth"));
    await step("get", () => KV.get("a/\u00e9 ?&#%"));
    await step("get as options", () => KV.get("a/\u00e9 ?&#%", { type: "text", cacheTtl: 60 }));
    await step("put metadata", () => KV.put("m", "1", { metadata: { "\u00e9": ["\u20ac"] }, expirationTtl: 3600 }));
    await step("get with metadata", () => KV.getWithMetadata("m", "json"));
    await step("get with metadata as options", () => KV.getWithMetadata("m", { type: "arrayBuffer" }));
    await step("put null metadata", () => KV.put("n", "1", { metadata: null }));
    await step("get null metadata", () => KV.getWithMetadata("n"));
    await step("put a buffer", () => KV.put("b", new Uint8Array([0, 255, 128]).buffer));
    await step("put a view", () => KV.put("v", new Uint16Array([1, 2]).subarray(1)));
    await step("put a stream", () => KV.put("s", stream("streamed")));
    await step("put a number", () => KV.put("number", 5));
    await step("put an object", () => KV.put("o", {}));
    await step("put nothing", () => KV.put("null", null));
    await step("put undefined", () => KV.put("undefined", undefined));
    for (const type of ["text", "json", "arrayBuffer", "stream", "other"]) {
      for (const key of ["b", "v", "s", "m", "absent"]) await step(`get ${key} as ${type}`, () => KV.get(key, type));
    }
    await step("get a number", () => KV.get(5));
    for (const key of ["", ".", "..", "k".repeat(513)]) {
      await step(`get ${key}`, () => KV.get(key));
      await step(`put ${key}`, () => KV.put(key, "x"));
      await step(`delete ${key}`, () => KV.delete(key));
    }
    for (const options of [{ expirationTtl: 1 }, { expirationTtl: "x" }, { expiration: 1 }, { metadata: "m".repeat(1025) }]) {
      await step(`put with ${JSON.stringify(options)}`, () => KV.put("wrong", "x", options));
    }
    await step("get many", () => KV.get(["m", "s", "absent"]));
    await step("get many as options", () => KV.get(["m"], { type: "json", cacheTtl: 60 }));
    await step("get many with metadata", () => KV.getWithMetadata(["m", "s"], "text"));
    await step("get many as arrayBuffer", () => KV.get(["m"], "arrayBuffer"));
    await step("get none", () => KV.get([]));
    await step("get too many", () => KV.get(Array.from({ length: 101 }, (_, at) => `k${at}`)));
    await step("get many that are not JSON", () => KV.get(["s"], "json"));
    await step("list", () => KV.list({ prefix: "n" }));
    await step("list all", async () => (await KV.list()).keys.map(({ name }) => name));
    await step("list nothing given", () => KV.list({ prefix: null, limit: undefined, cursor: null }).then(({ keys }) => keys.length));
    const first = await KV.list({ limit: 2 });
    await step("list a page", () => ({ ...first, cursor: typeof first.cursor }));
    await step("list the next", async () => (await KV.list({ limit: 2, cursor: first.cursor })).keys.map(({ name }) => name));
    await step("delete", () => KV.delete("a/\u00e9 ?&#%"));
    await step("delete again", () => KV.delete("a/\u00e9 ?&#%"));
    await step("get deleted", () => KV.get("a/\u00e9 ?&#%"));
  },

  r2: async ({ R2 }, step) => {
    await step("head nothing", () => R2.head("absent"));
    await step("get nothing", () => R2.get("absent"));
    const httpMetadata = {
      contentType: "text/plain",
      contentLanguage: "de",
      contentDisposition: "inline",
      contentEncoding: "identity",
      cacheControl: "no-store",
      cacheExpiry: new Date(5000),
    };
    await step("put", () => R2.put("a/\u00e9", "0123456789", { httpMetadata, customMetadata: { a: "\u20ac" } }));
    await step("head", () => R2.head("a/\u00e9"));
    await step("get", () => R2.get("a/\u00e9"));
    await step("write metadata", async () => {
      const headers = new Headers();
      (await R2.head("a/\u00e9")).writeHttpMetadata(headers);
      return [...headers];
    });
    for (const method of ["text", "json", "arrayBuffer", "bytes", "blob"]) {
      await step(method, async () => (await R2.get("a/\u00e9"))[method]());
    }
    await step("the body", async () => new Response((await R2.get("a/\u00e9")).body).text());
    await step("used", async () => {
      const found = await R2.get("a/\u00e9");
      const before = found.bodyUsed;
      await found.text();
      return [before, found.bodyUsed, await found.text().catch((error) => error.name)];
    });
    for (const range of [
      { offset: 2 }, { offset: 2, length: 3 }, { length: 3 }, { suffix: 4 }, { suffix: 40 }, { offset: 8, length: 10 }, { offset: 11 },
      { offset: 10 }, { suffix: 0 }, { length: 0 }, { offset: -1 }, { length: -1 }, { suffix: -1 }, { offset: 0.5 }, { suffix: 0.5 },
      { offset: 1, suffix: 1 }, { length: 1, suffix: 1 }, {},
    ]) {
      const told = JSON.stringify(range);
      await step(`range ${told}`, async () => { const found = await R2.get("a/\u00e9", { range }); return [found.range, await found.text()]; });
    }
    for (const range of ["bytes=0-1", "bytes=2-", "bytes=-3", "bytes=8-20", "bytes=20-", "bytes=3-2", "bytes=0-0,2-3", "lines=1-2", ""]) {
      await step(`range header ${range}`, async () => {
        const found = await R2.get("a/\u00e9", { range: new Headers({ range }) });
        return [found.range, await found.text()];
      });
    }
    await step("no range header", async () => (await R2.get("a/\u00e9", { range: new Headers() })).range);
    const { etag, uploaded } = await R2.head("a/\u00e9");
    const earlier = new Date(uploaded.getTime() - 3600_000);
    const later = new Date(uploaded.getTime() + 3600_000);
    const conditions = {
      matches: { etagMatches: etag },
      "matches not": { etagMatches: "other" },
      "matches any": { etagMatches: "*" },
      "does not match": { etagDoesNotMatch: "other" },
      "does match": { etagDoesNotMatch: etag },
      "is any": { etagDoesNotMatch: "*" },
      "before later": { uploadedBefore: later },
      "before earlier": { uploadedBefore: earlier },
      "after earlier": { uploadedAfter: earlier },
      "after later": { uploadedAfter: later },
      "after later but other": { uploadedAfter: later, etagDoesNotMatch: "other" },
      "before earlier but the same": { uploadedBefore: earlier, etagMatches: etag },
      "by the second": { uploadedAfter: earlier, uploadedBefore: later, secondsGranularity: true },
      quoted: { etagMatches: `"${etag}"` },
      headers: new Headers({ "if-match": `"x", "${etag}"` }),
      "weak headers": new Headers({ "if-match": `W/"${etag}"` }),
      "none-match headers": new Headers({ "if-none-match": `W/"${etag}"` }),
      "wildcard headers": new Headers({ "if-none-match": "*" }),
      "since headers": new Headers({ "if-modified-since": later.toUTCString(), "if-unmodified-since": later.toUTCString() }),
      "wrong headers": new Headers({ "if-match": "unquoted" }),
      "no headers": new Headers(),
    };
    for (const [name, onlyIf] of Object.entries(conditions)) {
      await step(`get if ${name}`, async () => { const found = await R2.get("a/\u00e9", { onlyIf }); return [found, "body" in found]; });
      await step(`put if ${name}`, async () => { const made = await R2.put(`if ${name}`, "x", { onlyIf }); return made && made.size; });
      await step(`put over if ${name}`, async () => (await R2.put("a/\u00e9", "0123456789", { onlyIf })) !== null);
    }
    await step("put nothing", () => R2.put("empty", null));
    await step("get nothing kept", async () => (await R2.get("empty")).text());
    await step("put a buffer", () => R2.put("b", new Uint8Array([0, 255]).buffer));
    await step("put a view", () => R2.put("v", new Uint16Array([1, 2]).subarray(1)));
    await step("put a blob", () => R2.put("blob", new Blob(["blob"], { type: "a/b" })));
    await step("put a stream", () => R2.put("s", stream("streamed")));
    await step("put a number", () => R2.put("number", 5));
    await step("put an object", () => R2.put("o", {}));
    await step("put undefined", () => R2.put("undefined", undefined));
    for (const key of ["b", "v", "blob", "s", "number"]) await step(`get ${key}`, async () => (await R2.get(key)).bytes());
    await step("put headers", () => R2.put("h", "x", { httpMetadata: new Headers({ "content-type": "x/y", expires: new Date(1e12).toUTCString() }), storageClass: "InfrequentAccess" }));
    await step("put with too much metadata", () => R2.put("h", "x", { customMetadata: { a: "m".repeat(8192) } }));
    await step("put a wrong class", () => R2.put("h", "x", { storageClass: "Cheap" }));
    await step("put a long key", () => R2.put("k".repeat(1025), "x"));
    await step("put a right digest", async () => R2.put("d", "digest", { sha256: await sha256("digest") }));
    await step("its checksums", async () => { const { checksums } = await R2.head("d"); return [checksums, checksums.sha256, checksums.sha1]; });
    await step("put a right MD5", () => R2.put("d", "abc", { md5: "900150983cd24fb0d6963f7d28e17f72" }));
    await step("put a right SHA-1", () => R2.put("d", "abc", { sha1: "a9993e364706816aba3e25717850c26c9cd0d89d" }));
    await step("put a wrong digest", async () => R2.put("d", "other", { sha256: await sha256("digest") }));
    await step("put a short digest", () => R2.put("d", "x", { md5: "90" }));
    await step("put a short digest of bytes", () => R2.put("d", "x", { sha1: new Uint8Array(2) }));
    await step("put no digest", () => R2.put("d", "x", { md5: "x".repeat(32) }));
    await step("put two digests", () => R2.put("d", "x", { md5: new Uint8Array(16), sha1: new Uint8Array(20) }));
    await step("get with a key of one's own", () => R2.get("d", { ssecKey: "00".repeat(32) }));
    for (const key of ["l/1", "l/2", "l/m/3", "l/n/4", "l/5"]) await R2.put(key, key, { customMetadata: { key }, httpMetadata: { contentType: key } });
    await step("list", () => R2.list({ prefix: "l/" }));
    await step("list with all", () => R2.list({ prefix: "l/", include: ["httpMetadata", "customMetadata"] }));
    await step("list with some", () => R2.list({ prefix: "l/", include: ["customMetadata"] }));
    await step("list with what", () => R2.list({ include: ["body"] }));
    await step("list by delimiter", () => R2.list({ prefix: "l/", delimiter: "/" }));
    await step("list behind", () => R2.list({ prefix: "l/", startAfter: "l/2" }));
    await step("list none", () => R2.list({ limit: 0 }));
    await step("list too many", () => R2.list({ limit: 1001 }));
    await step("list from nowhere", () => R2.list({ cursor: "?" }));
    const first = await R2.list({ prefix: "l/", delimiter: "/", limit: 3 });
    await step("list a page", () => ({ ...first, cursor: typeof first.cursor }));
    await step("list the next", () => R2.list({ prefix: "l/", delimiter: "/", limit: 3, cursor: first.cursor }));
    await step("list all", async () => (await R2.list()).objects.map(({ key }) => key));
    await step("delete", () => R2.delete("l/1"));
    await step("delete many", () => R2.delete(["l/2", "l/5", "absent"]));
    await step("delete none", () => R2.delete([]));
    await step("delete too many", () => R2.delete(Array.from({ length: 1001 }, (_, at) => `k${at}`)));
    await step("what is left", async () => (await R2.list({ prefix: "l/" })).objects.map(({ key }) => key));

    const upload = await R2.createMultipartUpload("parts", { customMetadata: { a: "b" }, httpMetadata: { contentType: "x/y" } });
    await step("upload", () => [upload.key, typeof upload.uploadId]);
    const resumed = R2.resumeMultipartUpload("parts", upload.uploadId);
    await step("resume", () => [resumed.key, resumed.uploadId === upload.uploadId]);
    for (const number of [0, 10001]) await step(`part ${number}`, () => upload.uploadPart(number, "x"));
    for (const value of [{}, null, undefined, 5]) await step(`a part of ${value}`, () => upload.uploadPart(1, value));
    await step("a part with text for a number", () => upload.uploadPart("1", "x").then(({ partNumber }) => partNumber));
    await step("a part without a number", () => upload.uploadPart(undefined, "x"));
    const one = await resumed.uploadPart(1, new Uint8Array(PART).fill(97));
    const two = await upload.uploadPart(2, stream("the end"));
    await step("parts", () => [one, two]);
    await step("complete wrongly", () => upload.complete([one, { partNumber: 2, etag: "other" }]));
    await step("complete a missing one", () => upload.complete([one, { partNumber: 3, etag: "other" }]));
    await step("complete", () => upload.complete([two, one]));
    await step("complete again", () => upload.complete([one, two]));
    await step("head of parts", () => R2.head("parts"));
    await step("the seam", async () => (await R2.get("parts", { range: { offset: PART - 2, length: 5 } })).text());
    const small = await R2.createMultipartUpload("small");
    const parts = [await small.uploadPart(1, "a"), await small.uploadPart(2, "b")];
    await step("complete small parts", () => small.complete(parts));
    await step("abort", () => small.abort());
    await step("abort again", () => small.abort());
    await step("part of an aborted one", () => small.uploadPart(1, "x"));
  },

  d1: async ({ DB }, step) => {
    await step("create", () => DB.prepare("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)").run());
    const insert = DB.prepare("INSERT INTO t (name, data) VALUES (?1, ?2)");
    await step("run", () => insert.bind("a", null).run());
    await step("bind", () => DB.batch(["b", 5, 1.5, true, "w\u00f6rth"].map((name, at) => insert.bind(name, new Uint8Array([at, 255])))));
    await step("bind buffers", () => DB.batch([insert.bind("f", new Uint8Array([1]).buffer), insert.bind("g", [1, 2])]));
    for (const value of [undefined, {}, [256], ["a"], 5n, Symbol("s"), () => 1]) {
      await step(`bind ${typeof value}`, () => insert.bind("x", value).run());
    }
    const select = DB.prepare("SELECT id, name, data FROM t ORDER BY id");
    await step("all", () => select.all());
    await step("run a select", () => select.run());
    await step("first", () => select.first());
    await step("first column", () => select.first("name"));
    await step("first of null", () => select.first("data"));
    await step("first of no column", () => select.first("nope"));
    await step("first of nothing", () => DB.prepare("SELECT 1 WHERE 0").first("a"));
    await step("raw", () => select.raw());
    await step("raw with names", () => select.raw({ columnNames: true }));
    await step("one name twice", () => DB.prepare("SELECT 1 AS a, 2 AS a").all());
    await step("one name twice raw", () => DB.prepare("SELECT 1 AS a, 2 AS a").raw({ columnNames: true }));
    await step("numbers", () => DB.prepare("SELECT 9007199254740993 AS big, 1.5 AS f, 2.0 AS whole, 1e999 AS inf").first());
    await step("batch", () => DB.batch([insert.bind("h", null), DB.prepare("SELECT count(*) AS n FROM t")]));
    await step("batch that fails", () => DB.batch([insert.bind("i", null), insert.bind("a", null)]));
    await step("empty batch", () => DB.batch([]));
    await step("rolled back", () => DB.prepare("SELECT count(*) AS n FROM t").first("n"));
    await step("exec", () => DB.exec("CREATE TABLE u (a);\nINSERT INTO u VALUES (1), (2)\nSELECT * FROM u").then(({ count, ...rest }) => [count, Object.keys(rest)]));
    await step("exec that fails", () => DB.exec("SELECT 1\nSELECT * FROM nope"));
    for (const sql of ["SELEC 1", "SELECT * FROM nope", "BEGIN", "ATTACH 'x' AS y", "", "SELECT 1; SELECT 2 AS b", "PRAGMA table_list", "PRAGMA user_version"]) {
      await step(`all ${sql}`, () => DB.prepare(sql).all());
    }
    await step("too few values", () => DB.prepare("SELECT ?, ?").bind(1).all());
    await step("dump", () => DB.dump());
    const session = DB.withSession();
    await step("session", async () => [session.getBookmark(), await session.prepare("SELECT 1 AS a").first("a"), typeof session.getBookmark()]);
    await step("session batch", () => session.batch([session.prepare("SELECT 2 AS a")]));
    await step("session goes on", async () => { const before = session.getBookmark(); await session.prepare("SELECT 1").run(); return before < session.getBookmark(); });
    await step("session from the primary", () => DB.withSession("first-primary").getBookmark());
    await step("session from a bookmark", () => DB.withSession(" 00000001-0 ").getBookmark());
    await step("session without exec", () => typeof session.exec);
  },
};

/** Runs the operations of one kind. @returns {Promise<[string, unknown][]>} each step's name and what came of it */
export async function run(kind, env) {
  const told = [];
  await operations[kind](env, async (name, work) => {
    try {
      told.push([name, await tell(await work())]);
    } catch (error) {
      told.push([name, { threw: error.name, message: error.message, cause: error.cause?.message ?? null }]);
    }
  });
  return told;
}

/** A value in JSON; what is another each time is told by its type. */
async function tell(value) {
  if (value === undefined) return "undefined";
  if (value instanceof Date) return `Date ${value.getTime()}`;
  if (value instanceof ArrayBuffer) return { ArrayBuffer: [...new Uint8Array(value)] };
  if (value instanceof Uint8Array) return { Uint8Array: [...value] };
  if (value instanceof Blob) return { Blob: await value.text(), type: value.type };
  if (value instanceof ReadableStream) return { ReadableStream: await new Response(value).text() };
  if (value instanceof Map) return { Map: await tell([...value]) };
  if (Array.isArray(value)) return Promise.all(value.map(tell));
  if (typeof value !== "object" || value === null) return value;
  const names = ["key", "size", "etag", "httpEtag", "httpMetadata", "customMetadata", "range", "storageClass"];
  if ("httpEtag" in value) {
    const { md5, sha1, sha256 } = value.checksums;
    const shown = await Promise.all(names.map((name) => tell(value[name])));
    return { shown, checksums: await tell([md5, sha1, sha256, value.checksums.toJSON()]), uploaded: value.uploaded instanceof Date };
  }
  if (typeof value.toJSON === "function") return tell(value.toJSON());
  const told = {};
  for (const name of Object.keys(value).sort()) {
    told[name] = ["duration", "sql_duration_ms", "expiration"].includes(name) ? typeof value[name] : await tell(value[name]);
  }
  return told;
}
