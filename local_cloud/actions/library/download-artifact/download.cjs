const fs = require("node:fs");
const path = require("node:path");

const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
const root = process.env.LOCAL_CLOUD_ARTIFACTS;
const target = path.resolve(input("path") || ".");
const all = fs.existsSync(root) ? fs.readdirSync(root) : [];
const wanted = all.filter((name) => (input("name") ? name === input("name") : !input("pattern") || path.matchesGlob(name, input("pattern"))));

if (input("name") && wanted.length === 0) {
  console.log(`::error::Artifact not found for name: ${input("name")}`);
  process.exit(1);
}
for (const name of wanted) {
  // One by its name goes to the path itself, several each to a folder.
  const alone = input("name") || input("merge-multiple") === "true";
  fs.cpSync(path.join(root, name), alone ? target : path.join(target, name), { recursive: true });
}
console.log(`${wanted.length} artifacts downloaded to ${target}`);
