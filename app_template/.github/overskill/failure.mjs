// Why a run has ended without a deploy, in a line.

/**
 * @param {Record<string, { outcome: string, outputs?: Record<string, string> }>} steps the workflow's, by their ids
 */
export function reasonOf(steps) {
  const [name, step] = Object.entries(steps).find(([, { outcome }]) => outcome === "failure") ?? [];
  if (step) return step.outputs?.error || `step ${name} failed; its log says why`;
  return "cancelled, mostly since a newer commit has come";
}
