// Cloudflare's API for this run: the platform's broker, which knows the run by its identity token, or Cloudflare.

import { answered } from "./patience.mjs";

export class Cloudflare {
  #app;
  #env;

  /**
   * @param {import("./target.mjs").App} app
   * @param {Record<string, string | undefined>} env
   */
  constructor(app, env) {
    this.#app = app;
    this.#env = env;
  }

  get baseUrl() {
    return this.#app.broker ?? this.#app.cloudflare ?? "https://api.cloudflare.com/client/v4";
  }

  /** A token that is good for some minutes from now, or the app's own where it was made so. */
  async token() {
    if (this.#app.broker) return this.#identity();
    if (this.#env.CLOUDFLARE_API_TOKEN) return this.#env.CLOUDFLARE_API_TOKEN;
    throw new Error(
      "the secret CLOUDFLARE_API_TOKEN is missing, and the app has no broker: bring up the app's stack again",
    );
  }

  async #identity() {
    const { ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: bearer } = this.#env;
    if (!url) throw new Error("GitHub gives this run no identity token: the job needs `permissions: id-token: write`");
    const asked = `${url}&audience=${encodeURIComponent(this.#app.audience ?? "")}`;
    const answer = await answered(asked, { headers: { Authorization: `Bearer ${bearer}` } });
    if (!answer.ok) throw new Error(`GitHub gives no identity token: ${answer.status} ${await answer.text()}`);
    const { value } = await answer.json();
    console.log(`::add-mask::${value}`);
    return value;
  }

  /**
   * Remove a script; one that isn't there is removed already.
   *
   * @param {import("./target.mjs").Target} target
   */
  async remove(target) {
    await this.#call("DELETE", target.namespace, target.script);
    console.log(`${target.script} is removed`);
  }

  /**
   * What a script is tagged with; nothing where it isn't there.
   *
   * @param {string} namespace
   * @param {string} script
   * @returns {Promise<string[]>}
   */
  async tags(namespace, script) {
    return (await this.#call("GET", namespace, `${script}/tags`))?.result ?? [];
  }

  /** Undefined where there is no such script. */
  async #call(method, namespace, path) {
    const namespaces = `${this.baseUrl}/accounts/${this.#app.account}/workers/dispatch/namespaces`;
    const url = `${namespaces}/${namespace}/scripts/${path}`;
    const headers = { Authorization: `Bearer ${await this.token()}` };
    const answer = await answered(url, { method, headers });
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }
}
