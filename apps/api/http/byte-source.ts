/**
 * A pull reader over a stream of bytes, for parsers: looks for marks that may be split over chunks, and holds no more
 * than the chunk that is being read and the beginning of a mark at the end of it.
 */
import type { ReadableStreamDefaultReader } from "node:stream/web";
import { Problem } from "../../../platform/errors.ts";

const EMPTY = Buffer.alloc(0);

function cutOff(): Problem {
  return new Problem(400, "incomplete_body", "The body ended before it was complete.");
}

export class ByteSource {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private buffer: Buffer = EMPTY;
  private ended = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.reader = stream.getReader();
  }

  prepend(bytes: Uint8Array): void {
    this.buffer = Buffer.concat([bytes, this.buffer]);
  }

  /** Takes `length` bytes that are known to be buffered. */
  take(length: number): Buffer {
    const taken = this.buffer.subarray(0, length);
    this.buffer = this.buffer.subarray(length);
    return taken;
  }

  /** Waits for `length` bytes; false when the stream ends before. */
  async atLeast(length: number): Promise<boolean> {
    while (this.buffer.length < length) if (!(await this.more())) return false;
    return true;
  }

  /** Where `mark` begins, when it does so within the next `within` bytes; -1 otherwise. Consumes nothing. */
  async indexOf(mark: Buffer, within: number): Promise<number> {
    for (let from = 0; ; ) {
      const at = this.buffer.indexOf(mark, from);
      if (at !== -1) return at <= within ? at : -1;
      if (this.buffer.length > within + mark.length) return -1;
      from = Math.max(0, this.buffer.length - mark.length + 1);
      if (!(await this.more())) return -1;
    }
  }

  /**
   * The next bytes before `mark`; with `ended` the mark itself is consumed too.
   * @throws Problem 400 when the stream ends without the mark.
   */
  async until(mark: Buffer): Promise<{ chunk: Buffer; ended: boolean }> {
    for (;;) {
      const at = this.buffer.indexOf(mark);
      if (at !== -1) {
        const chunk = this.take(at);
        this.take(mark.length);
        return { chunk, ended: true };
      }
      const safe = this.safeLength(mark);
      if (safe > 0) return { chunk: this.take(safe), ended: false };
      if (!(await this.more())) throw cutOff();
    }
  }

  /** Reads and drops what is left, up to `maxBytes`. */
  async drain(maxBytes: number): Promise<void> {
    for (let left = maxBytes; left > 0; left -= this.take(this.buffer.length).length) {
      if (!(await this.more())) return;
    }
  }

  /** Gives the connection up; what was not read is not wanted. */
  async close(): Promise<void> {
    if (!this.ended) await this.reader.cancel().catch(() => {});
    this.reader.releaseLock();
  }

  /** How much of the buffer can't be the beginning of `mark`. */
  private safeLength(mark: Buffer): number {
    const { buffer } = this;
    const from = Math.max(0, buffer.length - mark.length + 1);
    for (let at = buffer.indexOf(mark[0]!, from); at !== -1; at = buffer.indexOf(mark[0]!, at + 1)) {
      if (buffer.subarray(at).equals(mark.subarray(0, buffer.length - at))) return at;
    }
    return buffer.length;
  }

  private async more(): Promise<boolean> {
    if (this.ended) return false;
    const { value, done } = await this.reader.read().catch(error => {
      this.ended = true;
      // The pace of an upload (pace.ts) says itself what is wrong.
      throw error instanceof Problem ? error : cutOff();
    });
    if (done) this.ended = true;
    else this.append(value);
    return !done;
  }

  private append(value: Uint8Array): void {
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.buffer = this.buffer.length === 0 ? chunk : Buffer.concat([this.buffer, chunk]);
  }
}
