// The binding to a dispatch namespace, as a dispatch Worker sees it: `env.NAMESPACE.get(name, args, options).fetch(request)`.
// Keep this file ASCII: workerd reads the modules of an extension as Latin-1.

/**
 * Of the options, `limits` are taken and not enforced: workerd has no limits. `outbound` are values for the outbound
 * Worker, of which those that the binding declares reach it.
 *
 * @param {object} inner
 * @param {string} inner.NAMESPACE
 * @param {string} inner.NEWEST_DATE  the latest compatibility date of this workerd
 * @param {Fetcher} inner.SOURCE  the scripts, from `source.py`
 * @param {WorkerLoader} inner.LOADER  where they run
 * @param {Service} [inner.OUTBOUNDS]  the outbound Worker, if there is one: `LocalCloudOutbounds` of `outbound.js`
 * @param {string[]} [inner.PARAMETERS]  the parameters that the binding declares
 */
export default function dispatchNamespace({ NAMESPACE, NEWEST_DATE, SOURCE, LOADER, OUTBOUNDS, PARAMETERS = [] }) {
  /** Version last seen of each script, in the form of an ETag. */
  const versions = new Map();

  /**
   * The script's current version, running. One call to the source: the code comes along only if the version is new.
   * The loader caches a callback's failure for good, so the callback gets what was fetched before it. What an app's
   * `fetch` goes to is fixed as it is loaded, so each set of parameters loads it anew.
   */
  async function load(script, params) {
    const url = `http://source/_edge/namespaces/${encodeURIComponent(NAMESPACE)}/scripts/${encodeURIComponent(script)}`;
    // A kept connection that the source has just closed fails once: a new one is made for the second try.
    const ask = (headers) => SOURCE.fetch(url, { headers }).catch(() => SOURCE.fetch(url, { headers }));
    const answer = await ask(versions.has(script) ? { "if-none-match": versions.get(script) } : {});
    if (answer.status === 404) throw new Error("Worker not found.");
    const code = answer.status === 304 ? undefined : await workerCode(answer, NEWEST_DATE);
    const version = answer.headers.get("etag");
    versions.set(script, version);
    const id = `${NAMESPACE}/${script}@${version.replaceAll('"', "")} ${params}`;
    const outbound = async () => (OUTBOUNDS ? { globalOutbound: await OUTBOUNDS.with(JSON.parse(params)) } : {});
    const start = async () => ({ ...(code ?? (await workerCode(await ask({}), NEWEST_DATE))), ...(await outbound()) });
    return LOADER.get(id, start).getEntrypoint();
  }

  return {
    get(name, _args, { outbound = {} } = {}) {
      const declared = PARAMETERS.filter((parameter) => Object.hasOwn(outbound, parameter));
      const params = JSON.stringify(Object.fromEntries(declared.map((parameter) => [parameter, outbound[parameter]])));
      return {
        async fetch(input, init) {
          return (await load(String(name), params)).fetch(withoutCf(new Request(input, init)));
        },
      };
    },
  };
}

/** The request as an untrusted Worker gets it: `request.cf` is undefined. A Request made from another keeps its cf. */
function withoutCf({ url, method, headers, body, redirect }) {
  return new Request(url, { method, headers, body, redirect });
}

/** @returns {Promise<object>} what the worker loader takes, from the source's JSON (bytes in it are base64) */
async function workerCode(answer, newestDate) {
  if (!answer.ok) throw new Error(`Failed to start Worker:\n${await answer.text()}`);
  const code = await answer.json();
  for (const module of Object.values(code.modules)) {
    for (const kind of ["wasm", "data"]) {
      if (kind in module) module[kind] = Uint8Array.fromBase64(module[kind]).buffer;
    }
  }
  if (code.compatibilityDate > newestDate) {
    console.warn(`${answer.url}: compatibility date ${code.compatibilityDate} runs as ${newestDate}, the newest of this workerd`);
    code.compatibilityDate = newestDate;
  }
  return code;
}
