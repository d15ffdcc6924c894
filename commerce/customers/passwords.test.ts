import { expect, test } from "bun:test";
import { createPasswords, DECOY } from "./passwords.ts";

const settled = (promises: Promise<unknown>[]) => Promise.allSettled(promises);

test("a password is verified by its own hash and by no other, and never by nobody's", async () => {
  const passwords = createPasswords({ concurrency: 2, queue: 10 });
  const hash = await passwords.hash("correct horse");
  expect(hash).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  expect(await passwords.verify("correct horse", hash)).toBe(true);
  expect(await passwords.verify("wrong horse", hash)).toBe(false);
  expect(await passwords.verify("correct horse", null)).toBe(false);
});

test("the decoy costs what a real hash costs", async () => {
  const cost = (hash: string) => hash.split("$").slice(1, 4).join("$");
  expect(cost(DECOY)).toBe(cost(await createPasswords({ concurrency: 1, queue: 0 }).hash("x")));
});

test("never more run than allowed, and who comes when the queue is full is told when to come back", async () => {
  const passwords = createPasswords({ concurrency: 2, queue: 3 });
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, passwords.load.running);
  }, 1);
  const all = Array.from({ length: 9 }, () => passwords.hash("x"));
  expect(passwords.load).toEqual({ running: 2, waiting: 3 });
  const results = await settled(all);
  clearInterval(watch);
  expect(most).toBe(2);
  expect(results.map(one => one.status)).toEqual([
    ...Array<"fulfilled">(5).fill("fulfilled"),
    ...Array<"rejected">(4).fill("rejected"),
  ]);
  const refused = results.find(one => one.status === "rejected")!;
  expect(refused.reason).toMatchObject({
    status: 503,
    code: "busy",
    more: { headers: { "retry-after": "1" } },
  });
  expect(passwords.load).toEqual({ running: 0, waiting: 0 });
});

test("a hash that fails frees its place", async () => {
  const passwords = createPasswords({ concurrency: 1, queue: 5 });
  const results = await settled([
    passwords.verify("x", "no hash at all"),
    passwords.verify("x", "$argon2id$broken"),
    passwords.hash("y"),
  ]);
  expect(results.map(one => one.status)).toEqual(["rejected", "rejected", "fulfilled"]);
  expect(passwords.load).toEqual({ running: 0, waiting: 0 });
});

test("the event loop turns while passwords are hashed", async () => {
  const passwords = createPasswords({ concurrency: 2, queue: 100 });
  const started = performance.now();
  let turns = 0;
  let done = false;
  const hashing = settled(Array.from({ length: 12 }, () => passwords.hash("x"))).then(() => {
    done = true;
  });
  while (!done) {
    await Bun.sleep(1);
    turns++;
  }
  await hashing;
  // One hash is some 40 ms: a loop that hashed itself would turn a dozen times in all.
  const eachMs = (performance.now() - started) / turns;
  expect(turns).toBeGreaterThan(48);
  expect(eachMs).toBeLessThan(10);
});
