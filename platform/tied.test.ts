import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { until } from "./testing/index.ts";
import { tied } from "./tied.ts";

/** What the system says of a process: its command and state; null when there is none. */
const statOf = (pid: number) => {
  try {
    const [, command, state] = /\((.*)\) (.)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))!;
    return { command, state };
  } catch {
    return null;
  }
};
/** Where the first process of a container takes care of no orphans, one that has ended stays as a zombie. */
const isGone = (pid: number) => (statOf(pid)?.state ?? "Z") === "Z";

test.if(process.platform === "linux" && Bun.which("setpriv") !== null)(
  "what is tied to a process ends when that is killed",
  async () => {
    const sleep = JSON.stringify(tied(["sleep", "60"]));
    const script = `console.log(Bun.spawn(${sleep}).pid); await Bun.sleep(60_000);`;
    const parent = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const reader = parent.stdout.getReader();
    const pid = Number(new TextDecoder().decode((await reader.read()).value));
    // Only now has setpriv asked for the signal: it becomes the command afterwards.
    await until(() => statOf(pid)?.command === "sleep", { what: "the start of the child" });
    parent.kill("SIGKILL");
    expect(await until(() => isGone(pid), { what: "the end of the child" })).toBe(true);
  },
);
