/**
 * A map by text that forgets everything once it is full: an isolate has little room, and strangers choose many of the keys.
 *
 * @template T
 * @extends {Map<string, T>}
 */
export class Memory extends Map {
  /** @param {string} key @param {T} value */
  set(key, value) {
    if (this.size >= 30_000) this.clear();
    return super.set(key, value);
  }
}
