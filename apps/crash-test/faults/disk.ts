/**
 * A small disk that is filled to the last byte: one under JetStream, one under the media. They are tmpfs, mounted before
 * the stack starts, which wants root and the right to mount; else this is left out, and said.
 */
import { mkdirSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Fault, FaultContext, Inflicted } from "./fault.ts";

export type SmallDisks = {
  readonly folders: readonly string[];
  readonly leftOut: string | null;
  unmount(): void;
};

const DISKS = { "nats/jetstream": "256m", media: "64m" } as const;
/** As fast as a disk is written to; memory is faster. */
const PACE = { bytes: 1_048_576, perMs: 10 };
const FULL_MS = [1_500, 4_000] as const;

/** In the home of a stack that does not run yet. */
export function mountDisks(home: string): SmallDisks {
  const folders: string[] = [];
  for (const [folder, size] of Object.entries(DISKS)) {
    const path = join(home, folder);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const why = mount(path, size);
    if (why) {
      for (const one of folders) run("umount", "-l", one);
      return { folders: [], leftOut: `full disks: no small disk can be mounted here (${why})`, unmount() {} };
    }
    folders.push(path);
  }
  return {
    folders,
    leftOut: null,
    unmount() {
      for (const path of folders) run("umount", "-l", path);
    },
  };
}

/** Null when it was mounted; else why not. */
function mount(path: string, size: string): string | null {
  if (process.platform !== "linux") return "not Linux";
  if (process.getuid?.() !== 0) return "not root";
  return run("mount", "-t", "tmpfs", "-o", `size=${size},mode=0700`, "tmpfs", path);
}

function run(...command: string[]): string | null {
  try {
    const { exitCode, stderr } = Bun.spawnSync(command);
    return exitCode === 0 ? null : stderr.toString().trim().slice(0, 200);
  } catch (error) {
    return (error as Error).message;
  }
}

export function fullDisks({ folders }: SmallDisks): readonly Fault[] {
  return folders.map(folder => ({
    name: folder.endsWith("media") ? "fill media" : "fill jetstream",
    inflict: (context: FaultContext) => fill(context, folder),
  }));
}

async function fill({ journal, random }: FaultContext, folder: string): Promise<Inflicted> {
  const ballast = join(folder, ".ballast");
  const target = `full disk under ${folder.endsWith("media") ? "media" : "jetstream"}`;
  journal.fault(target);
  await writeUntilFull(ballast);
  await Bun.sleep(random.between(...FULL_MS));
  await rm(ballast, { force: true });
  journal.fault(`${target}: room again`);
  return { target, atMs: performance.now(), isBack: () => true };
}

async function writeUntilFull(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let step = PACE.bytes; step >= 1; step = step >> 4) {
      const bytes = Buffer.alloc(step);
      while (
        await file.write(bytes).then(
          ({ bytesWritten }) => bytesWritten > 0,
          () => false,
        )
      )
        if (step === PACE.bytes) await Bun.sleep(PACE.perMs);
    }
  } finally {
    await file.close();
  }
}
