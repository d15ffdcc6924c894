/**
 * Closed loop for answers with large bodies: counts bytes and looks at nothing but the length in each head, so that the
 * client costs less than the server that it measures.
 */
import type { Socket } from "bun";
import type { Measured } from "../stats.ts";

export async function countAnswers(
  port: number,
  request: string,
  { clients, seconds }: { clients: number; seconds: number },
): Promise<Measured> {
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const deadline = startedAt + seconds * 1_000;
  await Promise.all(Array.from({ length: clients }, () => client(port, request, deadline, latenciesMs)));
  return { count: latenciesMs.length, seconds: (performance.now() - startedAt) / 1_000, latenciesMs };
}

const MAX_HEAD = 2_048;

async function client(port: number, request: string, deadline: number, latenciesMs: number[]): Promise<void> {
  const over = Promise.withResolvers<void>();
  /** Of an answer whose length is known; before, its head as far as it came. */
  let missing = 0;
  let head = "";
  let sentAt = 0;
  const send = (socket: Socket) => {
    sentAt = performance.now();
    missing = 0;
    head = "";
    socket.write(request);
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(from, chunk) {
        if (missing === 0) {
          const before = head.length;
          // Of the first part only: heads are short, and files are long.
          head += Buffer.from(chunk.buffer, chunk.byteOffset, Math.min(chunk.length, MAX_HEAD)).toString(
            "latin1",
          );
          if (!head.includes("\r\n\r\n") && head.length < MAX_HEAD) return;
          const bytes = lengthOf(head);
          if (bytes === 0) return over.reject(new Error(`not an answer of known length: ${head}`));
          missing = bytes - before;
        }
        missing -= chunk.length;
        if (missing < 0) return over.reject(new Error(`${-missing} bytes more than were announced: ${head}`));
        if (missing > 0) return;
        const now = performance.now();
        latenciesMs.push(now - sentAt);
        if (now >= deadline) over.resolve();
        else send(from);
      },
      close: () => over.reject(new Error("the server closed the connection")),
      error: (_, error) => over.reject(error),
    },
  });
  socket.setNoDelay(true);
  send(socket);
  await over.promise;
  socket.end();
}

/** Head and body; 0 when it is not what is expected. */
function lengthOf(text: string): number {
  const end = text.indexOf("\r\n\r\n");
  const length = /content-length: *(\d+)/i.exec(text.slice(0, end));
  return length && text.startsWith("HTTP/1.1 200") ? end + 4 + Number(length[1]) : 0;
}
