// The static assets of an app: html handling, `_headers`, `_redirects`, ETags and all else by Cloudflare's own asset
// Worker, and the choice between it and the app's code by Cloudflare's own router Worker. Both come with Miniflare.
//
// Both are classes that read `env`; an instance serves one request, so what is made once for a version is `env` alone.

import { AssetWorkerInner } from "asset-worker.mjs";
import { RouterInnerEntrypoint } from "router-worker.mjs";

/**
 * @typedef {object} Assets  as `source.py` describes them
 * @property {string} namespace  where the files are
 * @property {string} manifest  base64
 * @property {object} worker  configuration of the asset Worker
 * @property {object} router  configuration of the router Worker
 */

/** What a version's assets are served with: to be made once, and given to `serve` and `serveAssets`. */
export class AssetServer {
  /**
   * @param {Assets} assets
   * @param {Fetcher} source  gives the files, from `source.py`
   */
  constructor({ namespace, manifest, worker, router }, source) {
    this.router = router;
    this.env = {
      CONFIG: worker,
      ASSETS_MANIFEST: Uint8Array.fromBase64(manifest).buffer,
      ASSETS_KV_NAMESPACE: { getWithMetadata: (hash) => file(source, `http://source/_edge/assets/${namespace}/${hash}`) },
    };
  }

  /**
   * A request to the app: its assets, or its code.
   *
   * @param {Request} request
   * @param {ExecutionContext} ctx
   * @param {Fetcher} [app]  the code, if there is any
   */
  fetch(request, ctx, app) {
    const env = { CONFIG: this.router, ASSET_WORKER: this.#assetWorker(ctx), USER_WORKER: app };
    return new RouterInnerEntrypoint(ctx, env).fetch(request);
  }

  /** A request by the app's binding: its assets alone. */
  fetchAsset(request, ctx) {
    return this.#assetWorker(ctx).fetch(request);
  }

  #assetWorker(ctx) {
    return new AssetWorkerInner(ctx, this.env);
  }
}

/** A file as the asset Worker expects it of a KV namespace. */
async function file(source, url) {
  const answer = await source.fetch(url);
  if (answer.status === 404) return { value: null, metadata: null };
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return { value: answer.body, metadata: { contentType: answer.headers.get("content-type") ?? undefined } };
}
