const { append, byPrefix, folderOf, fs, input, path, paths } = require("./cache.cjs");

const key = input("key");
const exact = fs.existsSync(folderOf(key));
const found = exact ? { folder: folderOf(key), key } : byPrefix();
append("GITHUB_OUTPUT", "cache-hit", String(exact));
append("GITHUB_OUTPUT", "cache-primary-key", key);
append("GITHUB_OUTPUT", "cache-matched-key", found?.key ?? "");
append("GITHUB_STATE", "exact", String(exact));
if (found && input("lookup-only") !== "true") {
  paths().forEach((target, number) => {
    const source = path.join(found.folder, String(number));
    if (fs.existsSync(source)) fs.cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  });
}
console.log(found ? `Cache restored from key: ${found.key}` : `Cache not found for input keys: ${key}`);
if (!found && input("fail-on-cache-miss") === "true") process.exit(1);
