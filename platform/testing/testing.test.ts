import { expect, test } from "bun:test";
import { connect } from "nats";
import { freshDatabase, freshNats, until } from "./index.ts";

test("a fresh database is migrated, and does not see what another one holds", async () => {
  const [one, two] = await Promise.all([freshDatabase(), freshDatabase()]);
  await one.sql`CREATE TABLE public.mark (n int)`;
  expect((await two.sql`SELECT to_regclass('public.mark') AS found`)[0]!.found).toBeNull();
  expect((await two.sql`SELECT to_regclass('bus.outbox') AS found`)[0]!.found).toBe("bus.outbox");
  await Promise.all([one.drop(), two.drop()]);
});

test("NATS accounts of two tests do not see one another, and are empty", async () => {
  const fresh = await Promise.all([freshNats(), freshNats()]);
  const connections = await Promise.all(
    fresh.map(({ url }) => {
      const { host, username, password } = new URL(url);
      return connect({ servers: host, user: username, pass: password });
    }),
  );
  const managers = await Promise.all(connections.map(connection => connection.jetstreamManager()));
  await managers[0]!.streams.add({ name: "MARK", subjects: ["mark"] });
  expect((await managers[1]!.getAccountInfo()).streams).toBe(0);
  await fresh[0]!.release();
  expect((await managers[0]!.getAccountInfo()).streams).toBe(0);
  await Promise.all(connections.map(connection => connection.close()));
});

test("until gives what the check gave, and names the last failure when time is over", async () => {
  let calls = 0;
  expect(await until(() => (++calls === 3 ? "third" : null))).toBe("third");
  const never = until(
    () => {
      throw new Error("still wrong");
    },
    { timeoutMs: 30, what: "the sun" },
  );
  expect(never).rejects.toThrow(/the sun did not come within 30 ms .*still wrong/);
});
