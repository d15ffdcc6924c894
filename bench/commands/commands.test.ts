import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FullReport } from "../scenario.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bench-commands-"));
  await write("before", 100);
  await write("after", 60);
});
afterAll(() => rm(dir, { recursive: true }));

const file = (name: string) => join(dir, `${name}.json`);

function write(commit: string, rate: number): Promise<number> {
  const report: FullReport = {
    scenario: "jobs",
    commit,
    machine: { cores: 2, model: "some" },
    at: "",
    quick: false,
    runs: 3,
    exact: true,
    ours: { perSecond: rate, perSecondRange: [rate - 1, rate + 1] },
    limit: { name: "bare", perSecond: 200 },
    ofLimit: rate / 200,
  };
  return Bun.write(file(commit), JSON.stringify({ commit, scenarios: { jobs: report } }));
}

async function bench(...args: string[]) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "..", "run.ts"), ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

test("compare exits with 1 when something got slower, and only then", async () => {
  const slower = await bench("compare", file("before"), file("after"), "--json");
  expect(slower.code).toBe(1);
  expect(JSON.parse(slower.out).regressions).toMatchObject([
    { scenario: "jobs", what: "ours", metric: "ofLimit", before: 0.5, after: 0.3, verdict: "worse" },
  ]);
  expect((await bench("compare", file("after"), file("before"))).code).toBe(0);
});

test.each([
  [["frobnicate"], "no scenario frobnicate"],
  [["jobs", "flash"], "one scenario at a time"],
  [["jobs", "--seconds", "0"], "--seconds takes a number"],
  [["compare", "a"], "two commits"],
  [["capacity"], "--orders-per-minute"],
  [["jobs", "--loud"], "--loud"],
])("%j is refused with exit code 2", async (args, message) => {
  const { code, err } = await bench(...args);
  expect([code, err.includes(message)]).toEqual([2, true]);
});

test("what was never measured is told in one line", async () => {
  const { code, err } = await bench("compare", join(dir, "none.json"), "nothing");
  expect([code, err.trim().split("\n").length]).toEqual([1, 1]);
});
