import { expect, test } from "vitest";
import worker from "./worker";

const get = (path: string) => worker.fetch(new Request(`https://app.example${path}`), { OVERSKILL_APP_NAME: "Shop" });

test("api/hello answers with the app's name", async () => {
  expect(await get("/api/hello").json()).toEqual({ message: "Hello from Shop, development." });
});

test("anything else is not found", () => {
  expect(get("/api/nothing").status).toBe(404);
});
