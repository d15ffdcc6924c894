/**
 * Runs the decoder: one process per photograph, because a native decoder fed with bytes of strangers may crash, hang,
 * or take all memory, and an abort signal does not stop it. Killing the process does.
 *
 * What can happen: it says `done` or `refused` and ends (both are answers); it takes more memory than it may and is
 * killed, which is the picture's fault and so an answer too; it ends or is killed otherwise ({@link DecoderCrash}): by its
 * deadline, by the caller's signal, by the kernel, by itself. Where it says that the disk is full, that is an error like any
 * other: the next try may find room.
 */
import { setPriority } from "node:os";
import { join } from "node:path";
import type { FileSink, Subprocess } from "bun";
import { watchDeadline } from "./deadline.ts";
import { watchMemory } from "./memory-guard.ts";
import type { Look, MadeVariant, Refusal } from "./model.ts";
import { limits } from "./plan.ts";
import type { DecoderMessage, DecoderTask } from "./protocol.ts";

/** The decoder ended without an answer. The picture may be to blame, or the machine. */
export class DecoderCrash extends Error {
  override name = "DecoderCrash";
}

export type DecoderOptions = {
  /** Of the time that the machine lets it run (deadline.ts). */
  readonly deadlineMs: number;
  /** Resident memory beyond which it is killed; default: that of the limits. */
  readonly maxMemoryBytes?: number | undefined;
  /** Kills the process when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each file as it is finished, before the next is begun. */
  readonly onVariant: (variant: MadeVariant) => Promise<void>;
  /** Called when it can be shown, before the rest is made. */
  readonly onVisible?: ((look: Look) => Promise<void>) | undefined;
  /** The program; tests hand in ones that misbehave. */
  readonly program?: string | undefined;
};

/** `detail`: what is known beyond what a merchant is told. */
export type DecoderAnswer = { look: Look } | { refusal: Refusal; detail?: string };

/** As Bun, libvips and the C library say it. */
const NO_ROOM = /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i;

/** Below everything that a person waits for. */
const NICE = 15;
const PROGRAM = join(import.meta.dir, "decoder-process.ts");

/**
 * @throws DecoderCrash when it ended without an answer, Error when it had no room; whatever `onVariant` throws.
 */
export async function runDecoder(task: DecoderTask, options: DecoderOptions): Promise<DecoderAnswer> {
  const child = start(task, options.program ?? PROGRAM);
  let killed: string | undefined;
  const kill = (why: string) => {
    killed ??= why;
    child.kill("SIGKILL");
  };
  const maxMemoryBytes = options.maxMemoryBytes ?? limits.decoderMemoryBytes;
  let greedy = false;
  const endWatch = watchMemory(child.pid, maxMemoryBytes, () => {
    greedy = killed === undefined;
    kill("took too much memory");
  });
  const { deadlineMs } = options;
  const endDeadline = watchDeadline(child.pid, deadlineMs, () => kill(`was killed after ${deadlineMs} ms`));
  const onAbort = () => kill("was killed because its job was aborted");
  options.signal?.addEventListener("abort", onAbort);
  if (options.signal?.aborted) onAbort();
  try {
    const complaint = tail(child.stderr);
    const answer = await listen(child.stdout, options);
    if (answer) return answer;
    await child.exited;
    if (greedy) return { refusal: tooGreedy(maxMemoryBytes) };
    const what = `the decoder ${killed ?? ending(child)}${await complaint}`;
    throw NO_ROOM.test(what) ? new Error(what) : new DecoderCrash(what);
  } finally {
    endDeadline();
    endWatch();
    options.signal?.removeEventListener("abort", onAbort);
    child.kill("SIGKILL");
    await child.exited;
  }
}

function tooGreedy(maxBytes: number): Refusal {
  const megabytes = Math.round(maxBytes / 2 ** 20);
  const message = `Opening the picture takes more than ${megabytes} MB of memory. Export it with fewer pixels.`;
  return { code: "too_much_memory", message };
}

function start(task: DecoderTask, program: string) {
  const child = Bun.spawn([process.execPath, program], {
    cwd: task.outputDir,
    // Two arenas keep freed pixels from staying in each thread's own; large pictures spill into TMPDIR.
    env: { MALLOC_ARENA_MAX: "2", TMPDIR: task.outputDir },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  lowerPriority(child.pid);
  void hand(task, child.stdin);
  return child;
}

/** What ends before it has read its task breaks the pipe; that it has ended is reported in its own way. */
async function hand(task: DecoderTask, stdin: FileSink): Promise<void> {
  try {
    // Either may throw at once, or be refused later.
    await stdin.write(`${JSON.stringify(task)}\n`);
    await stdin.flush();
  } catch {}
}

/** At once, before the process has threads: on Linux the value is a thread's, and is inherited by new ones. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICE);
  } catch {
    // It has ended already, which is reported in its own way.
  }
}

async function listen(
  stdout: ReadableStream<Uint8Array>,
  { onVariant, onVisible }: DecoderOptions,
): Promise<DecoderAnswer | undefined> {
  for await (const line of lines(stdout)) {
    const message = parse(line);
    if (message?.type === "variant") await onVariant(message.variant);
    if (message?.type === "visible") await onVisible?.(message.look);
    if (message?.type === "done") return { look: message.look };
    if (message?.type === "refused") return { refusal: message.refusal };
  }
  return undefined;
}

/** A crashing library may write into the middle of a line; such a line says nothing. */
function parse(line: string): DecoderMessage | undefined {
  try {
    return JSON.parse(line) as DecoderMessage;
  } catch {
    return undefined;
  }
}

const MAX_LINE = 64 * 1024;

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
    if (rest.length > MAX_LINE) throw new DecoderCrash("the decoder writes without end");
  }
}

const COMPLAINT_LENGTH = 500;

async function tail(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stderr) {
    text = (text + Buffer.from(chunk).toString("utf8")).slice(-COMPLAINT_LENGTH);
  }
  return text.trim() ? `: ${text.trim()}` : "";
}

function ending(child: Subprocess): string {
  return child.signalCode ? `was ended by ${child.signalCode}` : `ended with code ${child.exitCode}`;
}
