/** Short messages about what was done. Good news are told politely and go by themselves; bad ones wait to be closed. */
import { ApiError } from "../state/api.ts";
import { signal, useSignal } from "../state/signal.ts";
import { Button } from "./button.tsx";

type Toast = { id: number; text: string; tone: "ok" | "bad" };

const SHOWN_MS = 6_000;
const toasts = signal<Toast[]>([]);
let last = 0;

const close = (id: number) => toasts.set(toasts.get().filter(one => one.id !== id));

export function tell(text: string, tone: Toast["tone"] = "ok"): void {
  const id = ++last;
  toasts.set([...toasts.get().slice(-3), { id, text, tone }]);
  if (tone === "ok") setTimeout(close, SHOWN_MS, id);
}

/** Runs a change, and tells how it went. True when it was done. */
export async function attempt(work: () => Promise<unknown>, done: string): Promise<boolean> {
  try {
    await work();
    tell(done);
    return true;
  } catch (error) {
    const fields = error instanceof ApiError ? error.errors.map(one => `${one.path}: ${one.message}`) : [];
    tell([(error as Error).message, ...fields].join(" "), "bad");
    return false;
  }
}

/** Stands once in the shell. The regions are there before their messages: only then are these read out. */
export function Toasts() {
  const all = useSignal(toasts);
  const of = (tone: Toast["tone"]) =>
    all
      .filter(one => one.tone === tone)
      .map(one => (
        <div key={one.id} class="toast" data-tone={one.tone}>
          <span>{one.text}</span>
          <Button small tone="quiet" icon="close" label="Close this message" onPress={() => close(one.id)} />
        </div>
      ));
  return (
    <div class="toasts">
      <div role="status">{of("ok")}</div>
      <div role="alert">{of("bad")}</div>
    </div>
  );
}
