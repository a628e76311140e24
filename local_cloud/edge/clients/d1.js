// A D1 database, as an app sees it, over the protocol of workerd's own client of D1, which an app cannot import.
// What is thrown has the texts of that client.
// Keep this file ASCII: workerd may read it as Latin-1.

const BOOKMARK = "x-cf-d1-session-commit-token";
const UNCONSTRAINED = "first-unconstrained";
const CONSTRAINTS = ["first-primary", UNCONSTRAINED];

/** @param {Fetcher} fetcher  leads to the database  @returns {D1Database} */
export default (fetcher) => new D1Database(fetcher);

/** Asks the database; a session is one that remembers how far it has read. */
class D1DatabaseSession {
  #fetcher;
  #last;

  /** @param {string | null} last  a constraint or a bookmark; null asks without any */
  constructor(fetcher, last) {
    this.#fetcher = fetcher;
    this.#last = last;
  }

  prepare(query) {
    return new D1PreparedStatement(this, query);
  }

  async batch(statements) {
    const queries = statements.map(({ statement, params }) => ({ sql: statement, params }));
    return (await this._ask("/query", queries)).map(withObjects);
  }

  getBookmark() {
    return CONSTRAINTS.includes(this.#last) ? null : this.#last;
  }

  /** The results of one query or of several; the first error is thrown. */
  async _ask(path, queries, format = "ROWS_AND_COLUMNS") {
    const headers = { "content-type": "application/json", ...(this.#last !== null && { [BOOKMARK]: this.#last }) };
    const init = { method: "POST", headers, body: JSON.stringify(queries) };
    const answer = await this.#fetcher.fetch(`http://d1${path}?resultsFormat=${format}`, init);
    const bookmark = answer.headers.get(BOOKMARK);
    if (bookmark && (this.getBookmark() ?? "") < bookmark) this.#last = bookmark;
    const results = [await json(answer)].flat();
    if (results[0].error) throw d1Error("D1_ERROR", results[0].error);
    return results.map(({ meta, results: found }) => ({ success: true, meta, results: found }));
  }
}

class D1Database {
  #fetcher;
  #session;

  constructor(fetcher) {
    this.#fetcher = fetcher;
    this.#session = new D1DatabaseSession(fetcher, null);
  }

  prepare(query) {
    return this.#session.prepare(query);
  }

  async batch(statements) {
    return this.#session.batch(statements);
  }

  /** Each line is a statement. */
  async exec(query) {
    const lines = query.trim().split("\n");
    let results;
    try {
      results = await this.#session._ask("/execute", lines.map((sql) => ({ sql, params: [] })), "NONE");
    } catch ({ cause }) {
      throw d1Error("D1_EXEC_ERROR", `Error in line 1: ${lines[0]}: ${cause.message}`);
    }
    return { count: results.length, duration: results.reduce((sum, { meta }) => sum + meta.duration, 0) };
  }

  withSession(constraintOrBookmark) {
    return new D1DatabaseSession(this.#fetcher, constraintOrBookmark?.trim() || UNCONSTRAINED);
  }

  /** @deprecated D1 has given it up */
  async dump() {
    const { status } = await this.#fetcher.fetch("http://d1/dump", { method: "POST" });
    throw d1Error("D1_DUMP_ERROR", `Status + ${status}`, `Status ${status}`);
  }
}

class D1PreparedStatement {
  #session;
  statement;
  params;

  constructor(session, statement, params = []) {
    this.#session = session;
    this.statement = statement;
    this.params = params;
  }

  bind(...values) {
    return new D1PreparedStatement(this.#session, this.statement, values.map(bound));
  }

  async first(column) {
    const [row] = (await this.all()).results;
    if (row === undefined) return null;
    if (column === undefined) return row;
    const value = row[column];
    if (value === undefined) throw d1Error("D1_COLUMN_NOTFOUND", `Column not found (${column})`, "Column not found");
    return value;
  }

  async run() {
    return this.#ask("/execute", "NONE");
  }

  async all() {
    return withObjects(await this.#ask("/query"));
  }

  async raw(options) {
    const { columns, rows } = (await this.#ask("/query")).results;
    return [...(options?.columnNames ? [columns] : []), ...rows];
  }

  async #ask(path, format) {
    const [result] = await this.#session._ask(path, { sql: this.statement, params: this.params }, format);
    return result;
  }
}

function withObjects({ results: { columns, rows }, ...result }) {
  return { ...result, results: rows.map((row) => Object.fromEntries(row.map((cell, at) => [columns[at], cell]))) };
}

/** A value of JavaScript as a parameter. */
function bound(value) {
  if (typeof value === "number" || typeof value === "string" || value === null) return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return Array.from(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return Array.from(value);
  if (Array.isArray(value) && value.every((byte) => typeof byte === "number" && byte >= 0 && byte < 256)) return value;
  throw d1Error("D1_TYPE_ERROR", `Type '${typeof value}' not supported for value '${value}'`);
}

function d1Error(kind, message, cause = message) {
  return new Error(`${kind}: ${message}`, { cause: new Error(cause) });
}

async function json(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    throw d1Error("D1_ERROR", `Failed to parse body as JSON, got: ${text}`);
  }
}
