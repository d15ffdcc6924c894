import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { silentLog } from "../../platform/log.ts";
import { openRedis, type SharedRedis } from "../../platform/redis/index.ts";
import { until } from "../../platform/testing/index.ts";
import { openPeople, PASSWORD, type People, refusal, sharedRedis } from "./customers.fixture.ts";
import { changeCustomer, closeSession, customerOfSession, logIn } from "./index.ts";

let people: People;
let otherNode: SharedRedis;
beforeAll(async () => {
  [people, otherNode] = [await openPeople(), await sharedRedis()];
});
afterAll(() => people.drop());

const away = openRedis({ url: "http://127.0.0.1:1", timeoutMs: 100, log: silentLog });
const ask = (token: string, redis: SharedRedis = people.deps.redis, storeId = people.store.id) =>
  customerOfSession({ ...people.deps, redis }, storeId, token);

async function visitor() {
  const customer = await people.join();
  return { ...customer, ...(await people.enter(customer.email)) };
}

describe("a session", () => {
  test("is kept as a hash, found on every node, and only in its store", async () => {
    const { id, token } = await visitor();
    const rows = await people.sql`SELECT s::text AS text FROM customers.session s WHERE customer_id = ${id}`;
    expect(rows[0]!.text).not.toContain(token.slice(5));
    expect(await ask(token)).toBe(id);
    expect(await ask(token, otherNode)).toBe(id);
    expect(await ask(token, people.deps.redis, people.other.id)).toBeNull();
    for (const rubbish of [
      "",
      "sess_",
      `sess_${"0".repeat(32)}`,
      "x".repeat(100_000),
      "sess_\0",
      token.toUpperCase(),
    ]) {
      expect(await ask(rubbish)).toBeNull();
    }
  });

  test("is answered by Redis once it is known, and by Postgres while Redis is away", async () => {
    const { id, token } = await visitor();
    expect(await ask(token)).toBe(id);
    const noDatabase = { ...people.deps, sql: null as never };
    expect(await customerOfSession(noDatabase, people.store.id, token)).toBe(id);
    expect(await ask(token, away)).toBe(id);
    expect(await ask(token, openRedis({ url: undefined, timeoutMs: 1, log: silentLog }))).toBe(id);
  });

  test("ends on every node at once when its customer logs out", async () => {
    const { token } = await visitor();
    await Promise.all([ask(token), ask(token, otherNode)]);
    await closeSession(people.deps, people.store.id, token);
    expect(await Promise.all([ask(token), ask(token, otherNode), ask(token, away)])).toEqual([
      null,
      null,
      null,
    ]);
  });

  test("does not come back by a reader who saw it before it was revoked", async () => {
    const { token } = await visitor();
    // The reader has read Postgres and is about to fill Redis; then the session is revoked.
    const waiting = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let calls = 0;
    const slow: SharedRedis = {
      async attempt(work) {
        if (++calls === 2) {
          reached.resolve();
          await waiting.promise;
        }
        return people.deps.redis.attempt(work);
      },
    };
    const reading = ask(token, slow);
    await reached.promise;
    await closeSession(people.deps, people.store.id, token);
    waiting.resolve();
    await reading;
    expect(await ask(token, otherNode)).toBeNull();
  });

  test("expires, and rolls on with use, but not beyond its longest life", async () => {
    const { id, token } = await visitor();
    const expiry = async () => {
      const [row] =
        await people.sql`SELECT expires_at AS at FROM customers.session WHERE customer_id = ${id}`;
      return row!.at.getTime() as number;
    };
    const set = (fields: { expires?: string; extended?: string; created?: string }) => people.sql`
      UPDATE customers.session SET
        expires_at = now() + ${fields.expires ?? "1 day"}::interval,
        extended_at = now() - ${fields.extended ?? "0"}::interval,
        created_at = now() - ${fields.created ?? "0"}::interval WHERE customer_id = ${id}`;
    const inDays = async () => Math.round(((await expiry()) - Date.now()) / 86_400_000);

    await set({ extended: "30 minutes" });
    await ask(token, away);
    expect(await inDays()).toBe(1);
    await set({ extended: "2 hours" });
    await Promise.all(Array.from({ length: 5 }, () => ask(token, away)));
    expect(await inDays()).toBe(30);
    await set({ extended: "2 hours", created: "175 days" });
    await ask(token, away);
    expect(await inDays()).toBe(5);
    await set({ expires: "-1 second" });
    expect(await ask(token, away)).toBeNull();
  });
});

describe("a new password", () => {
  test("ends all sessions of its customer on every node, and gives one to go on with", async () => {
    const { id, email, token } = await visitor();
    const second = (await people.enter(email)).token;
    const stranger = await visitor();
    await Promise.all([token, second, stranger.token].map(one => ask(one, otherNode)));
    const change = { password: "an other password", currentPassword: PASSWORD };
    const { session } = await changeCustomer(people.deps, { storeId: people.store.id }, id, change);
    expect(await Promise.all([token, second].map(one => ask(one, otherNode)))).toEqual([null, null]);
    expect(await ask(session!.token)).toBe(id);
    expect(await ask(stranger.token)).toBe(stranger.id);
    expect(await refusal(people.enter(email))).toBe("invalid_credentials");
  });

  test("lets no log-in through that has verified the old one meanwhile", async () => {
    const { id, email } = await people.join();
    const passwords = {
      ...people.deps.passwords,
      async verify(password: string, hash: string | null) {
        const right = await people.deps.passwords.verify(password, hash);
        const change = { password: "an other password", currentPassword: PASSWORD };
        await changeCustomer(people.deps, { storeId: people.store.id }, id, change);
        return right;
      },
    };
    const late = logIn({ ...people.deps, passwords }, people.store.id, { email, password: PASSWORD });
    expect(await refusal(late)).toBe("invalid_credentials");
  });

  test("waits for nobody: a log-in in the middle of it is ended by it or refused", async () => {
    const { id, email } = await people.join();
    // The change has written the password and not yet committed.
    const { promise: held, resolve: commit } = Promise.withResolvers<void>();
    const changing = people.sql.begin(async tx => {
      await tx`UPDATE customers.customer SET password_hash = 'changed' WHERE id = ${id}`;
      await held;
    });
    const entering = refusal(people.enter(email));
    await until(async () => {
      const [row] = await people.sql`SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`;
      return row!.n > 0;
    });
    commit();
    await changing;
    expect(await entering).toBe("invalid_credentials");
    expect((await people.sql`SELECT 1 FROM customers.session WHERE customer_id = ${id}`).length).toBe(0);
  });
});
