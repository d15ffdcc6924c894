/** A file as a `multipart/form-data` body that is read from disk while it is sent. */
import { basename } from "node:path";
import { CliError } from "./command.ts";

export type Upload = { body: ReadableStream<Uint8Array>; contentType: string; size: number };

const utf8 = new TextEncoder();

/** Quotes and line breaks in a name would end the header; browsers escape them like this (HTML, 4.10.21.8). */
function quoted(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** @throws CliError when the file is missing or no file. */
export async function uploadOf(
  path: string,
  fields: Record<string, string | undefined>,
  onSent: (bytes: number) => void,
): Promise<Upload> {
  const file = Bun.file(path);
  const stat = await file.stat().catch(() => null);
  if (!stat) throw new CliError(`${path}: there is no such file`, "no_file");
  if (!stat.isFile()) throw new CliError(`${path} is not a file`, "no_file");
  const boundary = `tradewind-${crypto.randomUUID()}`;
  const parts = Object.entries(fields).map(([name, value]) =>
    value === undefined
      ? ""
      : `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`,
  );
  const type = file.type.split(";")[0] || "application/octet-stream";
  const head =
    `${parts.join("")}--${boundary}\r\ncontent-disposition: form-data; name="file"; ` +
    `filename="${quoted(basename(path))}"\r\ncontent-type: ${type}\r\n\r\n`;

  async function* bytes() {
    yield utf8.encode(head);
    let sent = 0;
    for await (const chunk of file.stream()) {
      yield chunk;
      sent += chunk.byteLength;
      onSent(sent);
    }
    yield utf8.encode(`\r\n--${boundary}--\r\n`);
  }
  return {
    body: streamOf(bytes()),
    contentType: `multipart/form-data; boundary=${boundary}`,
    size: stat.size,
  };
}

/** Pulled one chunk at a time, so that no more of the file is in memory than the connection takes. */
export function streamOf(source: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await source.return(undefined);
    },
  });
}
