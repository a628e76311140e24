// What is told to the local cloud's process one by one, and travels in batches. Keep this file ASCII: see `namespace.js`.

/** The first item of a batch waits so long for others: a POST costs the local cloud's process the same for one or many. */
const GATHER_MS = 20;

/** Beyond so many that wait, what comes is lost. */
const MOST_WAITING = 10_000;

export class Batches {
  #what;
  #url;
  #waiting = [];
  #sending = false;

  /**
   * @param {string} what  the items, as a message names them
   * @param {string} path  where each batch is POSTed to, a list in JSON
   */
  constructor(what, path) {
    this.#what = what;
    this.#url = `http://cloud${path}`;
  }

  /**
   * What comes while some is sent goes with the next batch. Never fails: what does not arrive is told to the console.
   *
   * @param {Fetcher} cloud  the local cloud's own process
   * @param {object[]} items  whatever JSON can hold
   * @returns {Promise<void> | undefined}  to be kept alive until nothing waits; undefined: another call's is
   */
  add(cloud, items) {
    const room = MOST_WAITING - this.#waiting.length;
    this.#waiting.push(...items.slice(0, room));
    if (items.length > room) this.#lost(items.length - room, `${MOST_WAITING} are waiting already`);
    return this.#sending ? undefined : this.#send(cloud);
  }

  async #send(cloud) {
    this.#sending = true;
    try {
      while (this.#waiting.length > 0) {
        await scheduler.wait(GATHER_MS);
        await this.#post(cloud, this.#waiting.splice(0));
      }
    } finally {
      this.#sending = false;
    }
  }

  async #post(cloud, batch) {
    try {
      const answer = await cloud.fetch(this.#url, { method: "POST", body: JSON.stringify(batch) });
      if (!answer.ok) this.#lost(batch.length, `the local cloud answers ${answer.status} ${await answer.text()}`);
    } catch (error) {
      this.#lost(batch.length, error);
    }
  }

  #lost(count, reason) {
    console.error(`${count} ${this.#what} are lost: ${reason}`);
  }
}
