/**
 * Pictures on their way: sent, then watched until their variants are there. A few at a time, so that many large ones share
 * the line instead of all being slow; they go on when one leaves the view.
 */
import type { ApiError } from "./api.ts";
import { type Sending, send } from "./resumable.ts";
import { signal } from "./signal.ts";
import type { Asset } from "./wire.ts";

export type Upload = {
  id: number;
  name: string;
  bytes: number;
  state: "waiting" | "sending" | "converting" | "ready" | "failed";
  /** From 0 to 1, of the state. */
  part: number;
  /** Its connection was cut off; it goes on when there is one again. */
  cut?: boolean;
  error?: string;
  asset?: Asset;
};

const AT_ONCE = 3;

export const uploads = signal<Upload[]>([]);
/** Rises when an asset is new or has changed; galleries look again. */
export const assetsChanged = signal(0);

const files = new Map<number, File>();
const sending = new Map<number, Sending>();
let last = 0;

function change(id: number, next: Partial<Upload>): void {
  uploads.set(uploads.get().map(one => (one.id === id ? { ...one, ...next } : one)));
}

export function upload(chosen: readonly File[]): void {
  const added = chosen.map(file => {
    const id = ++last;
    files.set(id, file);
    return { id, name: file.name, bytes: file.size, state: "waiting" as const, part: 0 };
  });
  uploads.set([...uploads.get(), ...added]);
  startNext();
}

/** Ends a sending, or takes what is over from the list. */
export function dismiss(id: number): void {
  sending.get(id)?.stop();
  files.delete(id);
  uploads.set(uploads.get().filter(one => one.id !== id));
}

export const dismissOver = () =>
  uploads.set(uploads.get().filter(one => one.state !== "ready" && one.state !== "failed"));

function startNext(): void {
  for (const one of uploads.get()) {
    if (sending.size >= AT_ONCE) return;
    if (one.state === "waiting") void start(one.id);
  }
}

async function start(id: number): Promise<void> {
  const sent = send(files.get(id)!, {
    onProgress: part => change(id, { part }),
    onCut: cut => change(id, { cut }),
  });
  sending.set(id, sent);
  change(id, { state: "sending" });
  try {
    const assetId = await sent.done;
    change(id, { state: "converting", part: 0 });
    assetsChanged.set(assetsChanged.get() + 1);
    watch(id, assetId);
  } catch (error) {
    change(id, { state: "failed", cut: false, error: (error as ApiError).message });
  }
  sending.delete(id);
  files.delete(id);
  startNext();
}

function watch(id: number, assetId: string): void {
  const events = new EventSource(`/admin/media/${assetId}/events`);
  const on = (name: string, then: (asset: Asset) => void) =>
    events.addEventListener(name, event => then(JSON.parse((event as MessageEvent<string>).data)));
  on("progress", asset => change(id, { part: asset.progress.done / asset.progress.total }));
  const over = (next: Partial<Upload>) => {
    events.close();
    change(id, next);
    assetsChanged.set(assetsChanged.get() + 1);
  };
  on("ready", asset => over({ state: "ready", part: 1, asset }));
  on("failed", asset =>
    over({ state: "failed", asset, error: asset.error?.message ?? "The picture can't be used." }),
  );
}
