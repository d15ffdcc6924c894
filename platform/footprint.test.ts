import { expect, test } from "bun:test";
import { join } from "node:path";

const script = `
  import { readFileSync } from "node:fs";
  import { giveBack } from "${join(import.meta.dir, "footprint.ts")}";
  const mb = key => Number(new RegExp(key + ":\\\\s+(\\\\d+)").exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
  await import("${join(import.meta.dir, "../commerce/orders/index.ts")}");
  const before = [mb("RssFile"), mb("VmRSS")];
  await giveBack();
  const after = [mb("RssFile"), mb("VmRSS")];
  // It goes on as before: code that was dropped is made again, pages come back.
  const { lastDays } = await import("${join(import.meta.dir, "../commerce/orders/index.ts")}");
  const { newId } = await import("${join(import.meta.dir, "ids.ts")}");
  const works = lastDays(2, new Date(0)).join() + " " + new Set(Array.from({ length: 1000 }, () => newId("prod"))).size;
  console.log(JSON.stringify({ before, after, works }));`;

test.skipIf(process.platform !== "linux")(
  "a process that gives back is smaller, and goes on",
  () => {
    const { stdout, exitCode } = Bun.spawnSync([process.execPath, "-e", script], { timeout: 60_000 });
    expect(exitCode).toBe(0);
    const { before, after, works } = JSON.parse(stdout.toString());
    expect(works).toBe("1969-12-31,1970-01-01 1000");
    expect(after[0]).toBeLessThan(before[0] * 0.7);
    expect(after[1]).toBeLessThan(before[1] * 0.8);
  },
  60_000,
);
