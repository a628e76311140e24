// The pipeline's own upload, with its patience, of a bundle that is built: `node deploy_step.mjs JSON`.

import { Cloudflare } from "../../app_template/.github/overskill/cloudflare.mjs";
import { uploaded } from "../../app_template/.github/overskill/deploy.mjs";

const { app, target, config, program } = JSON.parse(process.argv[2]);
await uploaded({ app, target }, new Cloudflare(app, process.env), config, process.env, { program });
