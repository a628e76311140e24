const { folderOf, fs, input, path, paths, root } = require("./cache.cjs");

const key = input("key");
const folder = folderOf(key);
if (process.env.STATE_exact === "true" || fs.existsSync(folder)) {
  console.log(`Cache hit occurred on the primary key ${key}, not saving cache.`);
} else {
  fs.mkdirSync(root, { recursive: true });
  const staging = fs.mkdtempSync(path.join(root, ".staging-"));
  paths().forEach((source, number) => {
    const target = path.join(staging, String(number));
    if (fs.existsSync(source)) fs.cpSync(source, target, { recursive: true, verbatimSymlinks: true });
  });
  fs.writeFileSync(path.join(staging, ".cache-key"), key);
  try {
    fs.renameSync(staging, folder);
  } catch {
    fs.rmSync(staging, { recursive: true }); // another job was first
  }
  console.log(`Cache saved with key: ${key}`);
}
