/**
 * What the platform keeps in KV: `app:{app id}` is declared by the app's stack, `state:{app id}` is set by an operator or by the
 * control plane, `host:{hostname}` leads a customer's host to a script.
 *
 * An isolate keeps what it has read, absence included, for some seconds; KV itself may be a minute behind. While KV fails or is
 * silent, what was known last holds, and without that it is as if there were nothing: an active app on the default plan.
 */

import { Memory } from "./memory.js";

const PATIENCE_MS = 1_000;

/** @typedef {{ value: any, until: number }} Stored  value undefined: there is none */

/** @type {Memory<Stored>} */
const known = new Memory();

/** @param {string} key @param {Env} env @returns {Promise<Stored>} */
export async function stored(key, env) {
  const found = known.get(key);
  if (found && found.until > Date.now()) return found;
  const value = await read(key, env).catch((error) => {
    console.error(`${key} cannot be read`, error);
    return found?.value;
  });
  const now = { value, until: Date.now() + env.SETTINGS.cacheSeconds * 1_000 };
  known.set(key, now);
  return now;
}

/** @param {string} host @param {Env} env @returns {Promise<string | undefined>} */
export async function scriptOfHost(host, env) {
  const script = (await stored(`host:${host}`, env)).value?.script;
  return typeof script === "string" ? script : undefined;
}

/** @param {string} key @param {Env} env */
async function read(key, env) {
  let timer = 0;
  const silence = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return (await Promise.race([env.APPS.get(key, "json"), silence])) ?? undefined;
  } finally {
    clearTimeout(timer);
  }
}
