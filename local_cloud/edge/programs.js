// From what the source tells of a script to what the worker loader takes.

import clients from "clients.json";

/**
 * The code. Where a binding has a client, the app's main module is evaluated after a prelude that puts the client in the
 * place of the stub: the loader hands on no KV namespace, database or bucket.
 *
 * @param {object} code  as `source.py` has it, bytes in base64
 * @param {string} newestDate  a later compatibility date runs as this one
 */
export function program({ script, compatibilityDate, compatibilityFlags, mainModule, modules, bindings }, newestDate) {
  if (compatibilityDate > newestDate) {
    console.warn(`scripts/${script}: compatibility date ${compatibilityDate} runs as ${newestDate}, the newest of this workerd`);
  }
  return {
    compatibilityDate: compatibilityDate > newestDate ? newestDate : compatibilityDate,
    compatibilityFlags,
    ...withClients(mainModule, decoded(modules), Object.entries(bindings).filter(([, { client }]) => client)),
  };
}

/** The values of `env`: those of the script, and a stub for each of its bindings. `home` is whose they are. */
export function environment({ env, bindings }, exports, home) {
  const stubs = Object.entries(bindings).map(([name, { entrypoint, props }]) => [
    name,
    exports[entrypoint]({ props: { ...props, ...home } }),
  ]);
  return { ...env, ...Object.fromEntries(stubs) };
}

function decoded(modules) {
  for (const module of Object.values(modules)) {
    for (const kind of ["wasm", "data"]) {
      if (kind in module) module[kind] = Uint8Array.fromBase64(module[kind]).buffer;
    }
  }
  return modules;
}

function withClients(mainModule, modules, served) {
  if (served.length === 0) return { mainModule, modules };
  const prelude = [
    'import { env } from "cloudflare:workers";',
    ...served.map(([, { client }], index) => `import client${index} from "./${client}";`),
    ...served.map(([name], index) => `env[${JSON.stringify(name)}] = client${index}(env[${JSON.stringify(name)}]);`),
  ];
  const main = JSON.stringify(`./${mainModule}`);
  return {
    mainModule: "local-cloud-main.js",
    modules: {
      ...modules,
      ...Object.fromEntries(Object.entries(clients).map(([name, js]) => [`local-cloud/${name}`, { js }])),
      "local-cloud/prelude.js": { js: prelude.join("\n") },
      "local-cloud-main.js": {
        js: `import "./local-cloud/prelude.js";\nexport * from ${main};\nexport { default } from ${main};`,
      },
    },
  };
}
