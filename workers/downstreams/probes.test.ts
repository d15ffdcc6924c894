import { afterEach, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../platform/config.ts";
import { probesOf } from "./probes.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function probe(name: "payments" | "storage", env: Record<string, string>): Promise<string> {
  const found = probesOf(loadConfig(env))[name];
  if (!found) return "nobody to ask";
  return found(AbortSignal.timeout(2_000)).then(
    () => "works",
    error => (error as Error).message,
  );
}

function partner(status: number): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response(null, { status }) });
  closers.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}

test("a payment provider works when it answers at all, but for faults of its own", async () => {
  const at = (url: string) =>
    probe("payments", { TRADEWIND_STRIPE_SECRET_KEY: "sk_test", TRADEWIND_STRIPE_API_HOST: url });
  expect(await at(partner(404))).toBe("works");
  expect(await at(partner(503))).toBe("status 503");
  const gone = partner(200);
  await closers.pop()!();
  expect(await at(gone)).not.toBe("works");
  expect(await probe("payments", {})).toBe("nobody to ask");
});

test("a media folder works when a file can be written there", async () => {
  const dir = await mkdtemp(join(tmpdir(), "tradewind-probe-"));
  closers.push(() => rm(dir, { recursive: true }));
  expect(await probe("storage", { TRADEWIND_MEDIA_DIR: join(dir, "media") })).toBe("works");
  // Who runs as root may write anywhere: a file where the folder should be stops everybody.
  await writeFile(join(dir, "file"), "");
  expect(await probe("storage", { TRADEWIND_MEDIA_DIR: join(dir, "file") })).not.toBe("works");
});
