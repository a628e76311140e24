import assert from "node:assert/strict";
import { test } from "node:test";
import { answered } from "../../../app_template/.github/overskill/patience.mjs";
import { serving } from "./setting.mjs";

test("what fails for a passing reason is asked for again; any other answer is the answer", async (t) => {
  const api = await serving(t, (_, number) => [[429, 503, 404][number - 1], {}]);
  assert.equal((await answered(api.url, {}, [1, 1])).status, 404);
  assert.equal(api.calls.length, 3);
});

test("in the end the failure is told", async (t) => {
  const api = await serving(t, () => [500, {}]);
  assert.equal((await answered(api.url, {}, [1])).status, 500);
  await assert.rejects(answered("http://127.0.0.1:1/", {}, [1]), /no answer from 127.0.0.1:1: /);
});
