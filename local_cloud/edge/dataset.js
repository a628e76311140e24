// The binding to a dataset of Analytics Engine: `env.DATASET.writeDataPoint({ indexes, blobs, doubles })`. Data points of all
// requests to a Worker travel together. Keep this file ASCII: see `namespace.js`.

import workers from "cloudflare-internal:workers";
import { Batches } from "local:batches";

const MOST_VALUES = 20;
const MAX_INDEX_BYTES = 96;
const MAX_BLOBS_BYTES = 16 * 1024;

const written = new Batches("data points", "/_edge/data-points");

/**
 * A point beyond the limits is dropped, as Cloudflare drops it, and the console says so; what is of a wrong type throws.
 *
 * @param {object} inner
 * @param {string} inner.DATASET
 * @param {Fetcher} inner.CLOUD  the local cloud's own process
 */
export default function dataset({ DATASET, CLOUD }) {
  return {
    writeDataPoint(point) {
      const timestamp = Date.now();
      const { indexes, blobs, doubles } = valuesOf(point ?? {});
      const problem = problemOf(indexes, blobs, doubles);
      if (problem) return console.error(`writeDataPoint(): ${problem} The data point is not recorded.`);
      const sending = written.add(CLOUD, [{ dataset: DATASET, timestamp, index: indexes[0] ?? "", blobs, doubles }]);
      if (sending) workers.waitUntil(sending);
    },
  };
}

function valuesOf(point) {
  if (typeof point !== "object") {
    throw new TypeError("Failed to execute 'writeDataPoint' on 'AnalyticsEngine': parameter 1 is not of type 'AnalyticsEngineEvent'.");
  }
  const listed = (name) => {
    const { [name]: values = [] } = point;
    if (Array.isArray(values)) return values;
    throw new TypeError(`Incorrect type for the '${name}' field on 'AnalyticsEngineEvent': the provided value is not of type 'Array'.`);
  };
  return { indexes: listed("indexes").map(text), blobs: listed("blobs").map(text), doubles: listed("doubles").map(double) };
}

/** Texts and bytes as they are, anything else as a text. */
function text(value) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return new TextDecoder().decode(value);
  return `${value ?? ""}`.toWellFormed();
}

/** JSON holds no number that is not finite. */
function double(value) {
  const number = +value;
  return Number.isFinite(number) ? number : 0;
}

/** What is wrong with a point, in workerd's words. */
function problemOf(indexes, blobs, doubles) {
  if (indexes.length > 1) return "Maximum of 1 indexes supported.";
  if (indexes.some((index) => bytes(index) > MAX_INDEX_BYTES)) return `Size of indexes[0] exceeds ${MAX_INDEX_BYTES} bytes.`;
  if (blobs.length > MOST_VALUES) return `Maximum of ${MOST_VALUES} blobs supported.`;
  if (bytes(blobs.join("")) > MAX_BLOBS_BYTES) return `Cumulative size of blobs exceeds ${MAX_BLOBS_BYTES} bytes.`;
  if (doubles.length > MOST_VALUES) return `Maximum of ${MOST_VALUES} doubles supported.`;
}

const bytes = (value) => new TextEncoder().encode(value).length;
