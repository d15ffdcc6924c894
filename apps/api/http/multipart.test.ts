import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Problem } from "../../../platform/errors.ts";
import { type MultipartLimits, multipart } from "./multipart.ts";

type Sent = { name: string; filename?: string; content: Uint8Array };

const limits: MultipartLimits = { maxFileBytes: 1_000_000 };

function encode(parts: Sent[], boundary: string): Buffer {
  const pieces: (Uint8Array | string)[] = [];
  for (const { name, filename, content } of parts) {
    const file = filename === undefined ? "" : `; filename="${filename}"\r\ncontent-type: image/png`;
    pieces.push(
      `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`,
      content,
      "\r\n",
    );
  }
  pieces.push(`--${boundary}--\r\n`);
  return Buffer.concat(pieces.map(piece => (typeof piece === "string" ? Buffer.from(piece) : piece)));
}

function request(body: Uint8Array, boundary: string, cuts: number[] = []): Request {
  const edges = [...new Set(cuts.map(cut => cut % (body.length + 1)))].sort((a, b) => a - b);
  const chunks = [0, ...edges].map((from, i) => body.slice(from, edges[i] ?? body.length));
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}` };
  return new Request("http://localhost/", { method: "POST", headers, body: stream });
}

async function readAll(incoming: Request, bounds = limits): Promise<Sent[]> {
  const parts: Sent[] = [];
  for await (const part of multipart(incoming, bounds)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of part.body) chunks.push(Buffer.from(chunk));
    const filename = part.filename === undefined ? {} : { filename: part.filename };
    parts.push({ name: part.name, ...filename, content: new Uint8Array(Buffer.concat(chunks)) });
  }
  return parts;
}

async function refusal(work: Promise<unknown>): Promise<Problem> {
  const error = await work.then(
    () => undefined,
    thrown => thrown,
  );
  expect(error).toBeInstanceOf(Problem);
  return error as Problem;
}

const raw = (text: string, boundary = "b") => request(Buffer.from(text), boundary);

describe("multipart", () => {
  test("gives back what was sent, wherever the chunks are cut", async () => {
    const boundary = "-xY";
    // Content made of pieces of the boundary itself is the hard case.
    const piece = fc.constantFrom("\r", "\n", "-", "--", "\r\n--", "\r\n---x", "-xY", "\r\n---", "data");
    const content = fc.array(piece, { maxLength: 12 }).map(pieces => pieces.join(""));
    const clean = content.filter(
      text => !text.includes(`\r\n--${boundary}`) && !text.startsWith(`--${boundary}`),
    );
    const sent = fc.record({
      name: fc.constantFrom("a", "file"),
      filename: fc.constantFrom(undefined, "x.png"),
      text: clean,
    });
    const cuts = fc.array(fc.nat(2_000), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(fc.array(sent, { maxLength: 4 }), cuts, async (parts, at) => {
        const wanted = parts.map(({ name, filename, text }) => ({
          name,
          ...(filename === undefined ? {} : { filename }),
          content: new Uint8Array(Buffer.from(text)),
        }));
        expect(await readAll(request(encode(wanted, boundary), boundary, at))).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  test("reads what the platform's own encoder writes", async () => {
    const form = new FormData();
    form.set("alt", "Ein Käse „am Meer“");
    form.set("file", new File([new Uint8Array(100_000).fill(7)], 'quo"te.png', { type: "image/png" }));
    const parts = await readAll(new Request("http://localhost/", { method: "POST", body: form }));
    expect(parts.map(part => [part.name, part.filename])).toEqual([
      ["alt", undefined],
      ["file", 'quo"te.png'],
    ]);
    expect(Buffer.from(parts[0]!.content).toString()).toBe("Ein Käse „am Meer“");
    expect(parts[1]!.content.length).toBe(100_000);
  });

  test("skips bodies that nobody reads to their end", async () => {
    const parts = ["one", "two"].map(name => ({ name, filename: "f", content: new Uint8Array(10_000) }));
    const names: string[] = [];
    for await (const part of multipart(request(encode(parts, "b"), "b", [7, 900]), limits)) {
      names.push(part.name);
      if (part.name === "one") for await (const _ of part.body) break;
    }
    expect(names).toEqual(["one", "two"]);
  });

  test("refuses a file, a field, headers and a number of parts beyond the limits", async () => {
    const big = [{ name: "file", filename: "x", content: new Uint8Array(2_000) }];
    const file = await refusal(readAll(request(encode(big, "b"), "b"), { maxFileBytes: 1_999 }));
    expect([file.status, file.more.extensions?.maxBytes]).toEqual([413, 1_999]);
    expect(await readAll(request(encode(big, "b"), "b"), { maxFileBytes: 2_000 })).toHaveLength(1);

    const field = [{ name: "alt", content: new Uint8Array(2_000) }];
    const small = { maxFileBytes: 9_999, maxFieldBytes: 1_000 };
    expect((await refusal(readAll(request(encode(field, "b"), "b"), small))).status).toBe(413);

    const many = Array.from({ length: 5 }, () => ({ name: "a", content: new Uint8Array(1) }));
    const few = { maxFileBytes: 1, maxParts: 4 };
    expect((await refusal(readAll(request(encode(many, "b"), "b"), few))).status).toBe(413);

    const headers = raw(`--b\r\nx: ${"y".repeat(10_000)}\r\n\r\n`);
    expect((await refusal(readAll(headers))).status).toBe(400);
  });

  test.each([
    ["nothing", ""],
    ["no boundary", "hello"],
    ["only the beginning", "--b"],
    ["headers cut off", "--b\r\ncontent-disposition: form-da"],
    ["a body cut off", '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nhalf'],
    ["a boundary cut off", '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nhalf\r\n--b'],
    ["no disposition", "--b\r\ncontent-type: text/plain\r\n\r\nx\r\n--b--\r\n"],
    ["no name", "--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n"],
    ["a header without a colon", "--b\r\nrubbish\r\n\r\nx\r\n--b--\r\n"],
    ["rubbish behind a boundary", "--bxyz\r\n\r\n\r\n--b--\r\n"],
  ])("refuses %s as malformed", async (_, text) => {
    expect((await refusal(readAll(raw(text)))).status).toBe(400);
  });

  test("refuses another content type with 415 and a missing boundary with 400", async () => {
    const post = (type: string) =>
      new Request("http://localhost/", { method: "POST", body: "{}", headers: { "content-type": type } });
    expect((await refusal(readAll(post("application/json")))).status).toBe(415);
    expect((await refusal(readAll(post("multipart/form-data")))).status).toBe(400);
  });

  test("reports a connection that dies as an incomplete body, where the consumer reads", async () => {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        const head = '--b\r\ncontent-disposition: form-data; name="f"; filename="x"\r\n\r\nabc';
        controller.enqueue(Buffer.from(head));
      },
      pull(controller) {
        controller.error(new Error("connection reset"));
      },
    });
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const dying = new Request("http://localhost/", { method: "POST", headers, body: stream });
    expect((await refusal(readAll(dying))).code).toBe("incomplete_body");
  });
});
