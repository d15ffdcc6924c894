/**
 * Sends a file by the tus protocol (https://tus.io/protocols/resumable-upload), piece by piece, each read from disk while
 * it is sent. When the connection is cut off, or the API is away, it asks how far the file has come and goes on there, as
 * long as anything moves within {@link PATIENCE_MS}. A command that was ended goes on too when it is called again: the
 * API knows an unfinished upload by the file's fingerprint.
 */
import { basename } from "node:path";
import { CliError } from "./command.ts";
import { streamOf } from "./upload.ts";

export type Exchange = {
  method: "POST" | "HEAD" | "PATCH";
  headers: Record<string, string>;
  body?: ReadableStream<Uint8Array>;
  signal?: AbortSignal;
};

export type Sending = {
  /** One request to the path; what is refused is thrown as a CliError with its status, 0 when nobody answered. */
  readonly exchange: (path: string, exchange: Exchange) => Promise<Headers>;
  /** What is said about the picture. */
  readonly fields: Readonly<Record<string, string | undefined>>;
  readonly onProgress: (sent: number, size: number, trouble?: string) => void;
  readonly pauseMs?: (tries: number) => number;
};

const PATH = "/media/uploads";
const PIECE_BYTES = 8 * 1_024 * 1_024;
const PATIENCE_MS = 120_000;
/** No byte leaves and no answer comes for so long: the connection is given up. */
const STALL_MS = 60_000;
const MAX_NAME = 200;
const version = { "tus-resumable": "1.0.0" };
const growing = (tries: number) => Math.min(10_000, 250 * 2 ** tries);

/** The asset's id. @throws CliError when the file is missing, is refused, or cannot be sent. */
export async function sendFile(path: string, sending: Sending): Promise<string> {
  const file = Bun.file(path);
  const stat = await file.stat().catch(() => null);
  if (!stat) throw new CliError(`${path}: there is no such file`, "no_file");
  if (!stat.isFile()) throw new CliError(`${path} is not a file`, "no_file");
  const location = await begin(path, { size: stat.size, changedMs: stat.mtimeMs }, sending);
  return goOn(location, file, stat.size, sending);
}

type FileFacts = { size: number; changedMs: number };

async function begin(
  path: string,
  { size, changedMs }: FileFacts,
  { exchange, fields }: Sending,
): Promise<string> {
  const filename = basename(path).slice(0, MAX_NAME);
  const fingerprint = `${filename} ${size} ${Math.round(changedMs)}`;
  const metadata = Object.entries({ filename, fingerprint, ...fields })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${Buffer.from(value!).toString("base64")}`);
  const headers = { ...version, "upload-length": String(size), "upload-metadata": metadata.join(",") };
  const answer = await exchange(PATH, { method: "POST", headers });
  return `${PATH}/${answer.get("location")!.split("/").at(-1)}`;
}

/** From wherever it is to its end. */
async function goOn(location: string, file: Blob, size: number, sending: Sending): Promise<string> {
  const { exchange, onProgress, pauseMs = growing } = sending;
  let furthest = -1;
  let movedAt = performance.now();
  for (let tries = 0; ; tries++) {
    try {
      let answer = await exchange(location, { method: "HEAD", headers: version });
      for (;;) {
        const offset = Number(answer.get("upload-offset"));
        if (offset > furthest) [furthest, movedAt, tries] = [offset, performance.now(), 0];
        const asset = answer.get("upload-asset");
        if (asset) return asset;
        answer = await sendPiece(location, file, { offset, size }, sending);
      }
    } catch (error) {
      if (!isPassing(error) || performance.now() - movedAt > PATIENCE_MS) throw error;
      onProgress(Math.max(0, furthest), size, "connection lost, trying again");
      await Bun.sleep(pauseMs(tries));
    }
  }
}

async function sendPiece(
  location: string,
  file: Blob,
  { offset, size }: { offset: number; size: number },
  { exchange, onProgress }: Sending,
): Promise<Headers> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), STALL_MS);
  async function* bytes() {
    let sent = offset;
    for await (const chunk of file.slice(offset, offset + PIECE_BYTES).stream()) {
      yield chunk;
      sent += chunk.byteLength;
      timer.refresh();
      onProgress(sent, size);
    }
  }
  const type = "application/offset+octet-stream";
  const headers = { ...version, "upload-offset": String(offset), "content-type": type };
  try {
    return await exchange(location, {
      method: "PATCH",
      headers,
      body: streamOf(bytes()),
      signal: stalled.signal,
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Nobody answered, another connection was faster, or the API is not there for a while. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof CliError)) return false;
  const { status, code } = error;
  return code === "unreachable" || [408, 409, 423, 429].includes(status) || status >= 500;
}
