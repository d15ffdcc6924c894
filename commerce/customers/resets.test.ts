import { afterAll, beforeAll, expect, test } from "bun:test";
import { newTraceparent } from "../../platform/trace.ts";
import { openPeople, PASSWORD, type People, refusal } from "./customers.fixture.ts";
import {
  customerOfSession,
  issueResetToken,
  recipientOfReset,
  requestPasswordReset,
  resetPassword,
} from "./index.ts";

let people: People;
beforeAll(async () => {
  people = await openPeople();
});
afterAll(() => people.drop());

const NEW = "a brand new password";
const set = (token: string, password = NEW, storeId = people.store.id) =>
  refusal(resetPassword(people.deps, { storeId }, { token, password }));
const issue = async (resetId: string) => (await issueResetToken(people.sql, people.store.id, resetId))!.token;

test("a mailed token sets a new password once and ends the sessions", async () => {
  const { email } = await people.join();
  const session = await people.enter(email);
  const resetId = await people.forget(email.toUpperCase());
  expect(await recipientOfReset(people.sql, people.store.id, resetId)).toBe(email);
  const token = await issue(resetId);
  expect(await set(token, "short")).toBe("invalid password");
  expect(await set(token, NEW, people.other.id)).toBe("reset_token_invalid");
  expect(await set(token)).toBe("no problem");
  expect(await set(token, "and once more")).toBe("reset_token_invalid");
  expect(await refusal(people.enter(email, PASSWORD))).toBe("invalid_credentials");
  expect((await people.enter(email, NEW)).token).toMatch(/^sess_/);
  expect(await customerOfSession(people.deps, people.store.id, session.token)).toBeNull();
});

test("every letter of a reset works until one was used, which uses up all that are open", async () => {
  const { email } = await people.join();
  const [first, second] = [await people.forget(email), await people.forget(email)];
  const tokens = [await issue(first), await issue(first), await issue(second)];
  const results = await Promise.all(tokens.slice(0, 2).map(token => set(token)));
  expect(results.toSorted()).toEqual(["no problem", "reset_token_invalid"]);
  expect(await set(tokens[2]!)).toBe("reset_token_invalid");
  expect(await issueResetToken(people.sql, people.store.id, second)).toBeNull();
});

test("a token is kept as a hash, and is nothing after half an hour", async () => {
  const { email } = await people.join();
  const resetId = await people.forget(email);
  const token = await issue(resetId);
  const [row] = await people.sql`
    SELECT t::text AS text, r.expires_at - now() AS life FROM customers.reset_token t
    JOIN customers.password_reset r ON r.id = t.reset_id WHERE t.reset_id = ${resetId}`;
  expect(row!.text).not.toContain(token.slice(4));
  expect(row!.life).toMatch(/^00:(29:5|30:00)/);
  await people.sql`UPDATE customers.password_reset SET expires_at = now() WHERE id = ${resetId}`;
  expect(await set(token)).toBe("reset_token_invalid");
  expect(await recipientOfReset(people.sql, people.store.id, resetId)).toBeNull();
});

test("made-up tokens cost no hash", async () => {
  let hashed = 0;
  const passwords = { ...people.deps.passwords, hash: async () => String(hashed++) };
  for (const token of ["", "pwr_", `pwr_${"0".repeat(32)}`, "x".repeat(10_000), "pwr_\0"]) {
    const tried = resetPassword(
      { ...people.deps, passwords },
      { storeId: people.store.id },
      { token, password: NEW },
    );
    expect(await refusal(tried)).toBe("reset_token_invalid");
  }
  expect(hashed).toBe(0);
});

test("an unknown mail leaves the same rows and the same job as a known one, and nobody to write to", async () => {
  const { email } = await people.join();
  const ask = async (mail: string) => {
    const [{ before }] = (await people.sql`SELECT count(*)::int AS before FROM bus.outbox`) as [
      { before: number },
    ];
    const resetId = await people.forget(mail);
    const [job] = await people.sql`
      SELECT kind, priority, payload FROM bus.outbox WHERE payload::text LIKE ${`%${resetId}%`}`;
    const [{ after }] = (await people.sql`SELECT count(*)::int AS after FROM bus.outbox`) as [
      { after: number },
    ];
    return { resetId, added: after - before, text: JSON.stringify(job).replaceAll(resetId, "ID") };
  };
  const [known, unknown] = [await ask(email), await ask(people.someone())];
  expect(known.added).toBe(1);
  expect({ ...unknown, resetId: "" }).toEqual({ ...known, resetId: "" });
  expect(known.text).not.toContain(email);
  expect(await recipientOfReset(people.sql, people.store.id, unknown.resetId)).toBeNull();
  // Another store's customer is unknown here.
  const stranger = await people.join(people.someone(), people.other.id);
  expect(await recipientOfReset(people.sql, people.store.id, (await ask(stranger.email)).resetId)).toBeNull();
});

test("rubbish for a mail is asked about like any other", async () => {
  const origin = { storeId: people.store.id, traceparent: newTraceparent() };
  for (const rubbish of ["", "\0", "\ud800", "x".repeat(10_000)]) {
    expect(await refusal(requestPasswordReset(people.deps, origin, rubbish))).toBe("no problem");
  }
});
