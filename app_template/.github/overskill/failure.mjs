// Why a run has ended without a deploy, in a line.

const CANCELLED = "a newer commit has come, somebody has ended the run, or it took too long";

/**
 * What the platform is told.
 *
 * @param {Record<string, { outcome: string, outputs?: Record<string, string> }>} steps the workflow's, by their ids
 * @returns {["failed" | "cancelled", string]}
 */
export function endOf(steps) {
  const [name, step] = Object.entries(steps).find(([, { outcome }]) => outcome === "failure") ?? [];
  if (!step) return ["cancelled", CANCELLED];
  return ["failed", step.outputs?.error || `step ${name} failed; its log says why`];
}
