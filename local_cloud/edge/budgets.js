// How many subrequests an app may make: `limits.subRequests` for each of the requests that it is working on. What one
// of several does not use, another one may. Once an app has answered them all, it starts anew; what it fetches in
// between, by `waitUntil`, is not counted.

/** @type {Map<number, Budget>} */
const open = new Map();
let last = 0;

export class Budget {
  id = ++last;
  #requests = 0;
  #allowed = 0;
  #spent = 0;

  constructor() {
    open.set(this.id, this);
  }

  /** @param {number} [limit]  none: not counted  @returns {() => void} to be called once the request is answered */
  grant(limit = Infinity) {
    this.#requests += 1;
    this.#allowed += limit;
    return () => {
      this.#requests -= 1;
      if (this.#requests === 0) this.#allowed = this.#spent = 0;
    };
  }

  spend() {
    this.#spent += 1;
    if (this.#requests > 0 && this.#spent > this.#allowed) throw new Error("Too many subrequests.");
  }

  /** The app is no longer resident. */
  close() {
    open.delete(this.id);
  }
}

/** One subrequest more; throws if it is one too many. */
export function spend(id) {
  open.get(id)?.spend();
}
