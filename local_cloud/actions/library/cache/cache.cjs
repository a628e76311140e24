// A cache is a folder named by its key's hash; `.cache-key` holds the key, `0`, `1`, ... what was at each path.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const root = process.env.LOCAL_CLOUD_CACHES;
const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
const lines = (name) => input(name).split("\n").map((line) => line.trim()).filter(Boolean);

const folderOf = (key) => path.join(root, createHash("sha256").update(`${lines("path").join("\n")}\0${key}`).digest("hex"));
const paths = () => lines("path").map((line) => path.resolve(line.replace(/^~(?=\/|$)/, os.homedir())));
const append = (file, name, value) => fs.appendFileSync(process.env[file], `${name}=${value}\n`);

/** The newest cache whose key begins with one of the restore keys, the first of them first. */
function byPrefix() {
  const all = fs.existsSync(root) ? fs.readdirSync(root).filter((name) => !name.startsWith(".")) : [];
  const known = all
    .map((name) => path.join(root, name))
    .map((folder) => ({ folder, key: fs.readFileSync(path.join(folder, ".cache-key"), "utf8"), at: fs.statSync(folder).mtimeMs }))
    .filter(({ folder, key }) => folder === folderOf(key))
    .sort((one, other) => other.at - one.at);
  for (const prefix of lines("restore-keys")) {
    const found = known.find(({ key }) => key.startsWith(prefix));
    if (found) return found;
  }
  return undefined;
}

module.exports = { append, byPrefix, folderOf, fs, input, path, paths, root };
