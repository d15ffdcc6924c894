import { afterAll, beforeAll } from "bun:test";
import { type FreshDatabase, freshDatabase } from "../../../platform/testing/index.ts";
import { describeProvider } from "../provider.contract.ts";
import { testProvider } from "./test.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

describeProvider("test", {
  provider: () => testProvider(db.sql, { silenceMs: 1_000 }),
  tokens: { ok: "ok", declined: "decline", lostAnswer: "timeout" },
});
