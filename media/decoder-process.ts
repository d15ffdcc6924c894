/**
 * The decoder's process: one photograph, then the end. It is started by decoder.ts, which may kill it at any moment;
 * until the parent moves them, what it has written are files in a scratch folder.
 *
 * It knows nothing but its task: its environment is empty, so that code which a picture might smuggle in finds no
 * secrets in it.
 */
import type { DecoderMessage, DecoderTask } from "./protocol.ts";
import { confine, render } from "./render.ts";
import { UnusableImage } from "./unusable.ts";

const reader = Bun.stdin.stream().getReader();

async function readTask(): Promise<DecoderTask> {
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("no task on stdin");
    text += Buffer.from(value).toString("utf8");
  }
  return JSON.parse(text);
}

async function endWithParent(): Promise<void> {
  while (!(await reader.read()).done);
  process.exit(1);
}

async function say(message: DecoderMessage): Promise<void> {
  await Bun.write(Bun.stdout, `${JSON.stringify(message)}\n`);
}

async function main(): Promise<void> {
  const task = await readTask();
  void endWithParent();
  confine(task.format);
  try {
    for await (const message of render(task)) await say(message);
  } catch (error) {
    if (!(error instanceof UnusableImage)) throw error;
    await say({ type: "refused", refusal: { code: error.code, message: error.message } });
  }
}

await main();
process.exit(0);
