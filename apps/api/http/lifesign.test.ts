import { expect, test } from "bun:test";
import { Lifesign, PostgresFrozen } from "./lifesign.ts";

const never = () => new Promise<string>(() => {});

test("what waits fails when the server counts as frozen, and what comes later fails before it begins", async () => {
  const answer = Promise.withResolvers<void>();
  const lifesign = new Lifesign(() => answer.promise);
  const waiting = lifesign.unlessFrozen(never);
  lifesign.giveUp();
  // Nobody has asked: there is nothing that was not answered.
  expect(await lifesign.unlessFrozen(async () => "well")).toBe("well");
  const asked = lifesign.answers();
  lifesign.giveUp();
  await expect(waiting).rejects.toThrow(PostgresFrozen);
  let begun = 0;
  const later = () =>
    lifesign.unlessFrozen(() => {
      begun++;
      return never();
    });
  for (let i = 0; i < 3; i++) await expect(later()).rejects.toThrow(PostgresFrozen);
  // The first of them is tried, for the case that only the question got lost.
  expect(begun).toBe(1);
  answer.resolve();
  expect(await asked).toBe(true);
  expect(await lifesign.unlessFrozen(async () => "well")).toBe("well");
});

test("a question that got lost does not hold up a server that answers others", async () => {
  const lifesign = new Lifesign(never);
  void lifesign.answers();
  lifesign.giveUp();
  await expect(lifesign.unlessFrozen(async () => "first")).rejects.toThrow(PostgresFrozen);
  expect(await lifesign.unlessFrozen(async () => "second")).toBe("second");
});

test("refused is an answer: all hear of it by themselves", async () => {
  const lifesign = new Lifesign(() => Promise.reject(new Error("refused")));
  expect(await lifesign.answers()).toBe(true);
  await expect(lifesign.unlessFrozen(() => Promise.reject(new Error("refused")))).rejects.toThrow("refused");
});
