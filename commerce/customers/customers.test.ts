import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openPeople, PASSWORD, type People, refusal } from "./customers.fixture.ts";
import { changeCustomer, getCustomer, logIn, register, sweepCustomers } from "./index.ts";

let people: People;
beforeAll(async () => {
  people = await openPeople();
});
afterAll(() => people.drop());

const add = (email: string, password = PASSWORD, more = {}) =>
  register(people.deps, people.store.id, { email, password, ...more });

describe("a registration", () => {
  test("is one per mail and store, whatever its case or its composition", async () => {
    const id = crypto.randomUUID();
    await add(`Zoé-${id}@Example.com`);
    for (const same of [`ZOÉ-${id}@EXAMPLE.COM`, `Zoe\u0301-${id}@example.com`]) {
      expect(await refusal(add(same))).toBe("email_taken");
    }
    const elsewhere = await register(people.deps, people.other.id, {
      email: `zoé-${id}@example.com`,
      password: PASSWORD,
    });
    expect(elsewhere.email).toBe(`zoé-${id}@example.com`);
    expect(await refusal(getCustomer(people.sql, people.store.id, elsewhere.id))).toBe("not_found");
  });

  test("of one mail many times at once makes one customer", async () => {
    const email = people.someone();
    const tries = await Promise.all(Array.from({ length: 6 }, () => refusal(add(email))));
    expect(tries.filter(one => one === "no problem")).toHaveLength(1);
    expect(tries.filter(one => one === "email_taken")).toHaveLength(5);
  });

  const badMails: [string, string][] = [
    ["no at", "nobody"],
    ["two addresses", "a@b.example,c@d.example"],
    ["a line break", "a@b.example\r\nbcc: x@y.example"],
    ["a space", "a b@c.example"],
    ["a NUL", "a\0@b.example"],
    ["an invisible character", "a\u200bb@c.example"],
    ["a right-to-left override", "a\u202eb@c.example"],
    ["half a surrogate pair", "a\ud800@b.example"],
    ["too much", `${"a".repeat(300)}@b.example`],
    ["a name", "Ada <a@b.example>"],
  ];
  for (const [what, email] of badMails) {
    test(`with ${what} in its mail is refused`, async () => {
      expect(await refusal(add(email))).toBe("invalid email");
    });
  }

  test("wants a password of 8 to 256 characters, counted as people count them", async () => {
    const tryPassword = (password: string) => refusal(add(people.someone(), password));
    expect(await tryPassword("1234567")).toBe("invalid password");
    expect(await tryPassword("x".repeat(257))).toBe("invalid password");
    expect(await tryPassword("🗝".repeat(4))).toBe("invalid password");
    expect(await tryPassword("e\u0301".repeat(7))).toBe("invalid password");
    expect(await tryPassword("eight\u0007 bells")).toBe("invalid password");
    expect(await tryPassword("half \udc00 a pair")).toBe("invalid password");
    expect(await tryPassword("🗝".repeat(256))).toBe("no problem");
  });

  test("keeps the password as an argon2id hash only, and names without control characters", async () => {
    const made = await add(people.someone(), PASSWORD, { name: "Zoe\u0301", phone: "  " });
    expect(made).toMatchObject({ name: "Zoé", phone: null });
    const [row] = await people.sql`SELECT c::text AS text FROM customers.customer c WHERE id = ${made.id}`;
    expect(row!.text).toContain("$argon2id$");
    expect(row!.text).not.toContain(PASSWORD);
    expect(await refusal(add(people.someone(), PASSWORD, { name: "A\u0000b", phone: "1\n2" }))).toBe(
      "invalid name phone",
    );
  });
});

describe("logging in", () => {
  test("takes the password however it was composed", async () => {
    const { email } = await add(people.someone(), "pass\u00a0zoe\u0301");
    expect((await people.enter(email, "pass zoé")).token).toMatch(/^sess_/);
    expect((await people.enter(email.toUpperCase(), "pass zoe\u0301")).token).toMatch(/^sess_/);
  });

  test("with an unknown mail is refused like one with a wrong password, for the same work", async () => {
    const { email } = await people.join();
    const verified: (string | null)[] = [];
    const passwords = {
      ...people.deps.passwords,
      verify: (password: string, hash: string | null) => {
        verified.push(hash);
        return people.deps.passwords.verify(password, hash);
      },
    };
    const attempt = async (given: { email: string; password: string }) => {
      let statements = 0;
      const sql = new Proxy(people.sql, {
        apply: (target, self, parts) => {
          // Fragments of a statement are calls too; those that begin with a word of SQL are sent.
          if (/^\s*(SELECT|INSERT|UPDATE|WITH)/.test(parts[0][0])) statements++;
          return Reflect.apply(target as never, self, parts);
        },
      });
      const error = await logIn({ ...people.deps, sql, passwords }, people.store.id, given).catch(one => one);
      return { statements, status: error.status, code: error.code, detail: error.detail };
    };
    const wrong = await attempt({ email, password: "wrong password" });
    const unknown = await attempt({ email: people.someone(), password: "wrong password" });
    expect(wrong).toMatchObject({ statements: 1, status: 401, code: "invalid_credentials" });
    expect(unknown).toEqual(wrong);
    expect(verified).toEqual([expect.stringContaining("$argon2id$"), null]);
  });

  test("takes about as long for an unknown mail as for a wrong password", async () => {
    const { email } = await people.join();
    const time = async (given: string) => {
      const started = performance.now();
      await people.enter(given, "wrong password").catch(() => {});
      return performance.now() - started;
    };
    await time(email);
    const [known, unknown]: [number[], number[]] = [[], []];
    for (let i = 0; i < 9; i++) {
      known.push(await time(email));
      unknown.push(await time(people.someone()));
    }
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[4]!;
    const ratio = median(unknown) / median(known);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });

  test("to another store, or with rubbish, opens nothing", async () => {
    const { email } = await people.join();
    expect(await refusal(people.enter(email, PASSWORD, people.other.id))).toBe("invalid_credentials");
    for (const rubbish of ["", "\0", "\ud800", "'; DROP TABLE customers.customer; --", "x".repeat(100_000)]) {
      expect(await refusal(people.enter(rubbish))).toBe("invalid_credentials");
      expect(await refusal(people.enter(email, rubbish))).toBe("invalid_credentials");
    }
  });
});

describe("a change", () => {
  test("of mail or password wants the current password", async () => {
    const { id } = await people.join();
    const change = (fields: object) =>
      refusal(changeCustomer(people.deps, { storeId: people.store.id }, id, fields));
    expect(await change({ email: people.someone() })).toBe("invalid currentPassword");
    expect(await change({ password: "a new password" })).toBe("invalid currentPassword");
    expect(await change({ password: "a new password", currentPassword: "wrong" })).toBe(
      "invalid currentPassword",
    );
    expect(await change({ password: "short", currentPassword: PASSWORD })).toBe("invalid password");
    expect(await change({ email: people.someone(), currentPassword: PASSWORD })).toBe("no problem");
  });

  test("to a mail that somebody else has is refused, and leaves everything as it was", async () => {
    const [one, two] = [await people.join(), await people.join()];
    const change = { email: two.email.toUpperCase(), name: "Taken", currentPassword: PASSWORD };
    expect(await refusal(changeCustomer(people.deps, { storeId: people.store.id }, one.id, change))).toBe(
      "email_taken",
    );
    expect(await getCustomer(people.sql, people.store.id, one.id)).toMatchObject({
      email: one.email,
      name: null,
    });
  });

  test("of one password by two at once lets one of them win", async () => {
    const { id, email } = await people.join();
    const change = (password: string) =>
      refusal(
        changeCustomer(people.deps, { storeId: people.store.id }, id, {
          password,
          currentPassword: PASSWORD,
        }),
      );
    const results = await Promise.all([change("the first one"), change("the second one")]);
    expect(results.toSorted()).toEqual(["invalid currentPassword", "no problem"]);
    const winner = results[0] === "no problem" ? "the first one" : "the second one";
    expect((await people.enter(email, winner)).token).toMatch(/^sess_/);
  });
});

test("what has expired is swept", async () => {
  const { email } = await people.join();
  await people.enter(email);
  await people.forget(email);
  await people.sql`UPDATE customers.session SET expires_at = now() - interval '1 second'`;
  await people.sql`UPDATE customers.password_reset SET expires_at = now() - interval '1 second'`;
  expect(await sweepCustomers(people.sql)).toBeGreaterThanOrEqual(2);
  expect(await sweepCustomers(people.sql)).toBe(0);
});
