/**
 * How many subrequests an app may make: its limit for each of the requests that it is working on. What one of several
 * does not use, another one may. Once an app has answered them all, it starts anew; what it fetches in between, by
 * `waitUntil`, is not limited.
 */
export class Budget {
  #requests = 0;
  #allowed = 0;
  #spent = 0;
  #untold = 0;

  /** @param {number} [limit]  none: not limited  @returns {() => void} to be called once the request is answered */
  grant(limit = Infinity) {
    this.#requests += 1;
    this.#allowed += limit;
    return () => {
      this.#requests -= 1;
      if (this.#requests === 0) this.#allowed = this.#spent = 0;
    };
  }

  /** One subrequest more; throws if it is one too many. */
  spend() {
    this.#spent += 1;
    this.#untold += 1;
    if (this.#requests > 0 && this.#spent > this.#allowed) throw new Error("Too many subrequests.");
  }

  /** How many there were since this was last asked. */
  take() {
    const untold = this.#untold;
    this.#untold = 0;
    return untold;
  }
}
