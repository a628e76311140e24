// The apps' scripts by alchemy's own resources, in namespaces of its own. The environment has TASK, and what alchemy needs.
import alchemy from "alchemy";
import { DispatchNamespace, Worker } from "alchemy/cloudflare";

const { scripts, code, compatibilityDate } = JSON.parse(process.env.TASK);
const platform = await alchemy("bench", { stage: "bench", quiet: true, noTrack: true });
const names = new Set(scripts.map(({ namespace }) => namespace));
const made = await Promise.all([...names].map((namespace) => DispatchNamespace(namespace, { namespace })));
const namespaces = new Map(made.map((one) => [one.namespace, one]));
await Promise.all(
  scripts.map(({ app, name, namespace }) =>
    Worker(name, {
      name,
      namespace: namespaces.get(namespace),
      script: code,
      compatibilityDate,
      bindings: { OVERSKILL_APP: app },
      tags: [`app-${app}`, "bench"],
    }),
  ),
);
await platform.finalize();
