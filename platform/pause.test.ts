import { expect, test } from "bun:test";
import { pause } from "./pause.ts";

test("a pause ends by itself or with its signal, and leaves nothing at the signal", async () => {
  const stopping = new AbortController();
  const { signal } = stopping;
  let listeners = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  await pause(1, signal);
  expect(listeners).toBe(0);
  const long = pause(600_000, signal);
  expect(listeners).toBe(1);
  stopping.abort();
  await long;
  expect(listeners).toBe(0);
  await pause(600_000, signal);
});
