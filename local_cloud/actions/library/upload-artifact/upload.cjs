const fs = require("node:fs");
const path = require("node:path");

const input = (name) => (process.env[`INPUT_${name.toUpperCase()}`] ?? "").trim();
const fail = (message) => {
  console.log(`::error::${message}`);
  process.exit(1);
};

const name = input("name");
if (!name || /[\\/":<>|*?\r\n]/.test(name) || name.startsWith(".")) fail(`The artifact name is not valid: ${name}`);
const target = path.join(process.env.LOCAL_CLOUD_ARTIFACTS, name);
const patterns = input("path").split("\n").map((line) => line.trim()).filter(Boolean);
const wanted = patterns.filter((pattern) => !pattern.startsWith("!"));
const excluded = new Set(patterns.filter((pattern) => pattern.startsWith("!")).flatMap((pattern) => files(pattern.slice(1))));
const hidden = (file) => input("include-hidden-files") !== "true" && path.relative(process.cwd(), file).split(path.sep).some((part) => /^\.[^.]/.test(part));
const found = [...new Set(wanted.flatMap(files))].filter((file) => !excluded.has(file) && !hidden(file));

/** All files that a path or a pattern leads to. */
function files(pattern) {
  return fs.globSync(pattern).flatMap((file) => {
    const whole = path.resolve(file);
    if (!fs.statSync(whole).isDirectory()) return [whole];
    return fs.readdirSync(whole, { recursive: true }).map((inner) => path.join(whole, inner)).filter((inner) => fs.statSync(inner).isFile());
  });
}

/** What all files are below: of one path that is a folder, the folder. */
function common() {
  if (wanted.length === 1 && fs.existsSync(wanted[0]) && fs.statSync(wanted[0]).isDirectory()) return path.resolve(wanted[0]);
  const folders = found.map((file) => path.dirname(file).split(path.sep));
  const shared = folders.reduce((one, other) => one.slice(0, one.findIndex((part, at) => part !== other[at]) >>> 0));
  return shared.join(path.sep) || path.sep;
}

if (found.length === 0) {
  const message = `No files were found with the provided path: ${patterns.join(", ")}. No artifacts will be uploaded.`;
  if (input("if-no-files-found") === "error") fail(message);
  if (input("if-no-files-found") === "warn") console.log(`::warning::${message}`);
} else {
  if (fs.existsSync(target) && input("overwrite") !== "true") fail(`an artifact with this name already exists on the workflow run: ${name}`);
  fs.rmSync(target, { recursive: true, force: true });
  const root = common();
  for (const file of found) fs.cpSync(file, path.join(target, path.relative(root, file)), { recursive: true });
  console.log(`Artifact ${name} has ${found.length} files`);
}
