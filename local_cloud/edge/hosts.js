// Which Worker a URL reaches, by the rules of Cloudflare's edge. Pure: no I/O, no bindings.

/**
 * @typedef {object} Table        The account, as `config.py` writes it.
 * @property {string[]} workers   account Workers that have a deployed version
 * @property {string} workers_subdomain
 * @property {string[]} workers_dev
 * @property {string[]} zones
 * @property {{zone: string, pattern: string, script: string | null}[]} routes
 * @property {{zone: string, name: string, type: string, proxied: boolean}[]} records
 * @property {{hostname: string, script: string}[]} domains
 * @property {{zone: string, hostname: string, origin: string | null}[]} hostnames   customers' own
 *
 * @typedef {{status: number, reason: string, message: string}} Refusal
 * @typedef {{worker: string} | Refusal} Decision
 */

const LISTED_HOSTS = 10;

/**
 * @param {Table} table
 * @returns {(url: URL) => Decision}
 */
export function hostRouter(table) {
  const workers = new Set(table.workers);
  const workersDev = new Map(table.workers_dev.map((name) => [name.toLowerCase(), name]));
  const devSuffixes = ["localhost", "dev"].map((tld) => `.${table.workers_subdomain}.workers.${tld}`);
  const domains = new Map(table.domains.map(({ hostname, script }) => [hostname.toLowerCase(), script]));
  const hostnames = new Map(table.hostnames.map((customers) => [customers.hostname, customers]));
  const zones = table.zones.map((name) => zoneOf(name, table)).sort((a, b) => b.name.length - a.name.length);

  /** @returns {Decision} */
  const serve = (worker, origin) =>
    workers.has(worker)
      ? { worker }
      : refuse(500, "worker-missing", `${origin} names Worker ${worker}, which does not exist or has no deployed version.`);

  return (url) => {
    const host = url.hostname.replace(/\.$/, "");

    const devSuffix = devSuffixes.find((suffix) => host.endsWith(suffix));
    if (devSuffix) {
      const label = host.slice(0, -devSuffix.length);
      if (workersDev.has(label)) return serve(workersDev.get(label), "workers.dev");
      return refuse(404, "workers-dev-disabled", `workers.dev is not enabled for a Worker named ${label}.`);
    }

    const own = zones.find(({ name }) => host === name || host.endsWith(`.${name}`));
    const customers = own ? undefined : hostnames.get(host);
    const zone = own ?? (customers && zones.find(({ name }) => name === customers.zone.toLowerCase()));
    if (!zone) {
      const hosts = knownHosts(table);
      const listed = hosts.length ? hosts.slice(0, LISTED_HOSTS).join(", ") : "none yet";
      const more = hosts.length > LISTED_HOSTS ? `, and ${hosts.length - LISTED_HOSTS} more` : "";
      return refuse(404, "unknown-host", `${host} is in no zone of the local cloud. Hosts served: ${listed}${more}.`);
    }

    // A custom domain brings its own DNS record, and its Worker stands where an origin would: routes run before it.
    const domain = domains.get(host);
    if (customers && customers.origin === null) {
      return refuse(530, "no-fallback-origin", `error code: 1016\n${host} is a custom hostname of zone ${zone.name}, which has no fallback origin.`);
    }
    const origin = customers?.origin ?? host;
    const records = zone.resolve(origin);
    if (domain === undefined && !records.some(({ proxied }) => proxied)) {
      const unproxied = records.length ? `; not proxied: ${records.map(({ type }) => type).join(", ")}` : "";
      return refuse(530, "no-proxied-record", `error code: 1016\nNo proxied DNS record for ${origin} in zone ${zone.name}${unproxied}.`);
    }
    const route = zone.routes.find((route) => route.matches(host, url));
    if (route?.script) return serve(route.script, `Route ${route.pattern}`);
    if (domain !== undefined) return serve(domain, `Custom domain ${host}`);
    return route
      ? refuse(522, "route-exempts", `error code: 522\nRoute ${route.pattern} exempts this URL from Workers. ${NO_ORIGIN}`)
      : refuse(522, "no-route", `error code: 522\nNo route of zone ${zone.name} matches ${host}${url.pathname}. ${NO_ORIGIN}`);
  };
}

const NO_ORIGIN = "Cloudflare would go to the origin, and the local cloud has none.";

const refuse = (status, reason, message) => ({ status, reason, message });

/** A zone with its routes, most specific first, and its DNS. */
function zoneOf(zone, table) {
  const inZone = (entry) => entry.zone === zone;
  const name = zone.toLowerCase();
  return {
    name,
    routes: table.routes.filter(inZone).map(parseRoute).sort(bySpecificity),
    resolve: resolver(name, table.records.filter(inZone)),
  };
}

/** DNS with wildcards (RFC 4592): a name that exists, or has names below it, keeps the wildcards above it away. */
function resolver(zone, records) {
  const byName = Map.groupBy(records, ({ name }) => name.toLowerCase());
  const existing = new Set([zone]);
  for (const name of byName.keys()) {
    for (let node = name; node.endsWith(`.${zone}`); node = parent(node)) existing.add(node);
  }
  return (host) => {
    if (existing.has(host)) return byName.get(host) ?? [];
    let encloser = parent(host);
    while (!existing.has(encloser)) encloser = parent(encloser);
    return byName.get(`*.${encloser}`) ?? [];
  };
}

const parent = (name) => name.slice(name.indexOf(".") + 1);

/** `[scheme://][*]host[/path][*]`; the query string belongs to what the path has to match. */
function parseRoute({ pattern, script }) {
  const [, scheme, host, path] = pattern.match(/^(?:(https?):\/\/)?([^/]*)(\/.*)?$/i);
  const route = { scheme: scheme?.toLowerCase(), host: host.toLowerCase(), path: path ?? "/" };
  return {
    pattern,
    script,
    specificity: specificity(route),
    matches: (host, url) =>
      (!route.scheme || `${route.scheme}:` === url.protocol) &&
      (route.host.startsWith("*") ? host.endsWith(route.host.slice(1)) : host === route.host) &&
      (route.path.endsWith("*")
        ? (url.pathname + url.search).startsWith(route.path.slice(0, -1))
        : url.pathname + url.search === route.path),
  };
}

/**
 * Labels of the host weigh most, then segments of the path; a whole label or segment that is `*` counts as minus one.
 * Miniflare's router has this from Cloudflare's own routing table. It bears out the documented oddity that
 * `example.com/images*` goes before `example.com/images/*`.
 */
function specificity({ host, path }) {
  const labels = host.split(".");
  const segments = path.split("/");
  const hostScore = labels.length - (labels[0] === "*" ? 2 : 0);
  const pathScore = segments.length - (segments.at(-1) === "*" ? 2 : 0);
  return hostScore * 26 + pathScore;
}

const bySpecificity = (a, b) => b.specificity - a.specificity || b.pattern.length - a.pattern.length;

function knownHosts(table) {
  return [
    ...table.records.filter(({ proxied }) => proxied).map(({ name }) => name),
    ...table.domains.map(({ hostname }) => hostname),
    ...table.hostnames.map(({ hostname }) => hostname),
    ...table.workers_dev.map((name) => `${name}.${table.workers_subdomain}.workers.localhost`),
  ];
}
