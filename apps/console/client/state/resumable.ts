/**
 * Sending a file by the tus protocol (https://tus.io/protocols/resumable-upload), in pieces, with its progress. When the
 * connection is cut off it asks how far the file has come and goes on there, for as long as it takes; a file that is dropped
 * again later goes on too, for the API knows it by its fingerprint. fetch tells nothing about what it has sent, so this is
 * XMLHttpRequest.
 */
import { ApiError, errorOf, MARK, sessionIsOver } from "./api.ts";

export type Sending = {
  /** The asset's id. @throws ApiError when it is refused, or stopped. */
  done: Promise<string>;
  stop(): void;
};

export type Progress = {
  /** From 0 to 1, of the bytes that have left. */
  onProgress(part: number): void;
  /** Whether it waits for a connection. */
  onCut(cut: boolean): void;
};

const PATH = "/admin/media/uploads";
const PIECE_BYTES = 4 * 1_024 * 1_024;
const LONGEST_PAUSE_MS = 15_000;
const MAX_NAME = 200;

export function send(file: File, progress: Progress): Sending {
  const line = new Line();
  return { done: sendAll(line, file, progress), stop: () => line.stop() };
}

async function sendAll(line: Line, file: File, { onProgress, onCut }: Progress): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      line.location ??= await begin(line, file);
      let answer = await line.ask("HEAD", line.location);
      for (;;) {
        tries = 0;
        onCut(false);
        const asset = answer.getResponseHeader("Upload-Asset");
        if (asset) return asset;
        const offset = Number(answer.getResponseHeader("Upload-Offset"));
        onProgress(offset / file.size);
        const onSent = (sent: number) => onProgress(Math.min(1, (offset + sent) / file.size));
        const headers = {
          "Upload-Offset": String(offset),
          "Content-Type": "application/offset+octet-stream",
        };
        answer = await line.ask(
          "PATCH",
          line.location,
          headers,
          file.slice(offset, offset + PIECE_BYTES),
          onSent,
        );
      }
    } catch (error) {
      if (!isPassing(error)) throw error;
      onCut(true);
      await line.pause(Math.min(LONGEST_PAUSE_MS, 500 * 2 ** tries));
    }
  }
}

async function begin(line: Line, file: File): Promise<string> {
  const filename = file.name.slice(0, MAX_NAME);
  const fingerprint = `${filename} ${file.size} ${file.lastModified}`;
  const metadata = `filename ${base64(filename)},fingerprint ${base64(fingerprint)}`;
  const headers = { "Upload-Length": String(file.size), "Upload-Metadata": metadata };
  const answer = await line.ask("POST", PATH, headers);
  return `${PATH}/${answer.getResponseHeader("Location")!.split("/").at(-1)}`;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Nobody answers, another tab was faster, or the API is not there for a while. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.code === "stopped") return false;
  return error.status === 0 || error.status >= 500 || [408, 409, 423, 429].includes(error.status);
}

/** The requests of one file, one after the other, until somebody stops them. */
class Line {
  location: string | undefined;
  private stopped = false;
  private open: XMLHttpRequest | undefined;
  private wake: (() => void) | undefined;

  ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body: Blob | null = null,
    onSent?: (bytes: number) => void,
  ): Promise<XMLHttpRequest> {
    if (this.stopped) return Promise.reject(stoppedError());
    const request = new XMLHttpRequest();
    this.open = request;
    request.open(method, path);
    const all = { ...MARK, "Tus-Resumable": "1.0.0", ...headers };
    for (const [name, value] of Object.entries(all)) request.setRequestHeader(name, value);
    if (onSent) request.upload.onprogress = event => onSent(event.loaded);
    return new Promise((resolve, reject: (error: ApiError) => void) => {
      request.onerror = () => reject(errorOf(0, { detail: "The server does not answer." }));
      request.onabort = () => reject(stoppedError());
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) return resolve(request);
        if (request.status === 401) sessionIsOver();
        reject(errorOf(request.status, jsonOf(request.responseText)));
      };
      request.send(body);
    });
  }

  /** Until then, or until the browser says that it is back on the net. @throws ApiError when it is stopped meanwhile. */
  async pause(ms: number): Promise<void> {
    await new Promise<void>(resolve => {
      this.wake = resolve;
      setTimeout(resolve, ms);
      window.addEventListener("online", () => resolve(), { once: true });
    });
    if (this.stopped) throw stoppedError();
  }

  /** What has been sent is given up. */
  stop(): void {
    if (this.stopped) return;
    const { location } = this;
    if (location) void new Line().ask("DELETE", location).catch(() => {});
    this.stopped = true;
    this.open?.abort();
    this.wake?.();
  }
}

const stoppedError = () => errorOf(0, { code: "stopped", detail: "Stopped." });

function jsonOf(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
