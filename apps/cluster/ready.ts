import type { StackFile } from "./home.ts";

const PATIENCE_MS = 60_000;
const POLL_MS = 50;

/** Waits for `/readyz` of every node. Returns null when all are ready, else what the last unready one said. */
export async function untilReady(stack: StackFile): Promise<string | null> {
  const deadline = Date.now() + PATIENCE_MS;
  const problems = await Promise.all(stack.nodes.map(node => nodeReady(node, deadline)));
  return problems.find(problem => problem !== null) ?? null;
}

async function nodeReady(node: string, deadline: number): Promise<string | null> {
  for (let last = "no answer"; ; ) {
    try {
      const response = await fetch(`${node}/readyz`, { signal: AbortSignal.timeout(3_000) });
      if (response.ok) return null;
      last = (await response.text()).trim();
    } catch (error) {
      last = (error as Error).message;
    }
    if (Date.now() > deadline) return `${node}/readyz: ${last}`;
    await Bun.sleep(POLL_MS);
  }
}
