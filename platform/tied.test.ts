import { expect, test } from "bun:test";
import { until } from "./testing/index.ts";
import { tied } from "./tied.ts";

const isGone = (pid: number) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test.if(process.platform === "linux" && Bun.which("setpriv") !== null)(
  "what is tied to a process ends when that is killed",
  async () => {
    const sleep = JSON.stringify(tied(["sleep", "60"]));
    const script = `console.log(Bun.spawn(${sleep}).pid); await Bun.sleep(60_000);`;
    const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const reader = parent.stdout.getReader();
    const pid = Number(new TextDecoder().decode((await reader.read()).value));
    expect(isGone(pid)).toBe(false);
    parent.kill("SIGKILL");
    await until(() => isGone(pid), { what: "the end of the child", timeoutMs: 30_000 });
  },
);
