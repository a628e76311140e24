// Keep this file ASCII: workerd may read it as Latin-1.

/** JSON that a header can hold. */
export function asciiJson(value) {
  const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(value).replace(/[^\x00-\x7f]/g, escaped);
}
