// A Worker of which more than one version runs: each request goes to one of them, by their shares.

import { WorkerEntrypoint } from "cloudflare:workers";
import split from "split.json";

const { versions, worker } = split;

/** The smallest share first: what rounding leaves over belongs to the largest. */
const bySize = versions.toSorted((a, b) => a.percentage - b.percentage);

/** A member of the header, which is a Dictionary of Strings (RFC 8941): `my-worker="version id"`. */
const MEMBER = /(?:^|,)[ \t]*([a-z*][a-z0-9_.*-]*)="([^"\\]*)"[ \t]*(?=[,;]|$)/g;

export default {
  /** @param {Record<string, Fetcher>} env  the versions, by id; those that an app's `fetch` reaches as `outbound:{id}` */
  fetch(request, env) {
    const overrides = request.headers.get("Cloudflare-Workers-Version-Overrides") ?? "";
    const wanted = new Map(Array.from(overrides.matchAll(MEMBER), ([, name, id]) => [name, id])).get(worker);
    return env[versions.some(({ id }) => id === wanted) ? wanted : byChance()].fetch(request);
  },
};

function byChance() {
  let point = Math.random() * 100;
  const chosen = bySize.find(({ percentage }) => (point -= percentage) < 0);
  return (chosen ?? bySize.at(-1)).id;
}

/** As in `outbound.js`, for a split: every `fetch` of an app goes to a version by chance. An app cannot choose it. */
export class LocalCloudOutbound extends WorkerEntrypoint {
  async fetch(request) {
    const version = await this.env[`outbound:${byChance()}`].with(this.ctx.props);
    return version.fetch(request);
  }
}

export class LocalCloudOutbounds extends WorkerEntrypoint {
  with(params) {
    return this.ctx.exports.LocalCloudOutbound({ props: params });
  }
}
