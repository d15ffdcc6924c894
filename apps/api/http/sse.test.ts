import { expect, test } from "bun:test";
import { until } from "../../../platform/testing/index.ts";
import { type SseEvent, sseResponse } from "./sse.ts";

async function withServer(answer: () => Response, work: (url: string) => Promise<void>): Promise<void> {
  const server = Bun.serve({ port: 0, fetch: answer });
  try {
    await work(`http://localhost:${server.port}`);
  } finally {
    await server.stop(true);
  }
}

test("events are sent in order and end the stream", async () => {
  async function* events(): AsyncGenerator<SseEvent> {
    yield { event: "progress", id: "1", data: { text: "two\nlines" } };
    yield { event: "ready", data: 2 };
  }
  let stopped = 0;
  const stop = () => {
    stopped++;
  };
  const text = await sseResponse(events(), { stop }).text();
  expect(text).toBe(
    'retry: 1000\n\nevent: progress\nid: 1\ndata: {"text":"two\\nlines"}\n\nevent: ready\ndata: 2\n\n',
  );
  expect(stopped).toBe(1);
});

test("a quiet stream has heartbeats, and is stopped when the caller leaves", async () => {
  const quiet = Promise.withResolvers<void>();
  async function* events(): AsyncGenerator<SseEvent> {
    await quiet.promise;
    yield { event: "late", data: null };
  }
  let stopped = false;
  const stop = () => {
    stopped = true;
    quiet.resolve();
  };
  await withServer(
    () => sseResponse(events(), { stop, heartbeatMs: 20 }),
    async url => {
      const abort = new AbortController();
      const response = await fetch(url, { signal: abort.signal });
      const reader = response.body!.getReader();
      let seen = "";
      while (!seen.includes("heartbeat")) seen += Buffer.from((await reader.read()).value!);
      expect(stopped).toBe(false);
      abort.abort();
      await until(() => stopped, { what: "the stop" });
    },
  );
});

test("an error of the source ends the stream without a last event", async () => {
  // biome-ignore lint/correctness/useYield: it is to fail before the first event
  async function* events(): AsyncGenerator<SseEvent> {
    throw new Error("database gone");
  }
  const text = await sseResponse(events(), { stop: () => {} })
    .text()
    .catch(() => "cut off");
  expect(text).not.toContain("event:");
});
