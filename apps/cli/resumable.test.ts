/** Uploads from the command line over real connections that are cut off. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { type TestApi, testApi } from "../api/testing.ts";
import { runLine } from "./testing.ts";

let home: string;
let api: TestApi;
let server: Bun.Server<undefined>;
let port = 0;
/** Method and offset of each request for an upload. */
let requests: string[] = [];
/** Stands before the API. */
let before: (request: Request) => Request | Response;

const MB = 1_024 * 1_024;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "cli-resumable-"));
  api = await testApi({ config: { mediaDir: join(home, "media"), mediaMaxMb: 64 } });
  serve();
  const origin = server.url.origin;
  await Bun.write(join(home, "stack.json"), JSON.stringify({ api: origin, nodes: [origin], keys: api.keys }));
});
afterAll(async () => {
  await server.stop(true);
  await api.close();
  await rm(home, { recursive: true });
});
beforeEach(() => {
  requests = [];
  before = request => request;
});

function serve(): void {
  server = Bun.serve({
    port,
    maxRequestBodySize: 2 ** 31,
    fetch(request) {
      const { pathname } = new URL(request.url);
      const offset = request.headers.get("upload-offset") ?? "";
      if (pathname.startsWith("/admin/media/uploads")) requests.push(`${request.method} ${offset}`.trim());
      const next = before(request);
      return next instanceof Response ? next : api.app.fetch(next);
    },
  });
  port = server.port!;
}

let made = 0;
/** A file of some 12 MB, which is sent in two pieces. */
async function photograph(): Promise<string> {
  const path = join(home, `photo-${made++}.png`);
  const raw = { width: 2_000, height: 2_000, channels: 3 as const };
  await sharp(randomBytes(12_000_000), { raw }).png({ compressionLevel: 0 }).toFile(path);
  return path;
}

const upload = (path: string, tty = false) =>
  runLine(["media", "upload", path, "--no-wait", ...(tty ? [] : ["--json"])], {
    env: { TRADEWIND_HOME: home },
    tty,
  });

async function expectWhole(path: string, id: string): Promise<void> {
  const response = await api.request("GET", `/admin/media/${id}`, { key: api.keys.secret });
  const { sha256 } = (await response.json()) as { sha256: string };
  expect(sha256).toBe(new Bun.CryptoHasher("sha256").update(await Bun.file(path).bytes()).digest("hex"));
  const left = (folder: string) => readdir(join(home, "media", folder)).catch(() => []);
  expect([await left(".staging"), await left("upload")]).toEqual([[], []]);
}

test("an upload whose connection is cut goes on where it was", async () => {
  const path = await photograph();
  before = request => {
    if (request.method !== "PATCH" || requests.length > 3) return request;
    let passed = 0;
    const body = request.body!.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          controller.enqueue(chunk);
          passed += chunk.length;
          if (passed < 2 * MB || before === pass) return;
          before = pass;
          void server.stop(true);
          serve();
        },
      }),
    );
    return new Request(request, { body });
  };
  const pass = (request: Request) => request;
  const { code, err } = await upload(path, true);
  expect(code).toBe(0);
  expect(err).toContain("100%");
  expect(err).toContain("trying again");
  const offsets = requests.filter(one => one.startsWith("PATCH")).map(one => Number(one.split(" ")[1]));
  // From the middle of a piece.
  expect(offsets.some(one => one % (8 * MB) !== 0)).toBe(true);
  const [asset] = await api.sql`SELECT id FROM media.asset ORDER BY id DESC LIMIT 1`;
  await expectWhole(path, asset!.id);
}, 60_000);

test("a command that was ended goes on when it is called again", async () => {
  const path = await photograph();
  before = request =>
    request.method === "PATCH" && request.headers.get("upload-offset") !== "0"
      ? Response.json({ detail: "Stop here.", code: "stopped" }, { status: 400 })
      : request;
  const ended = await upload(path);
  expect([ended.code, JSON.parse(ended.out).items[0].error.message]).toEqual([1, "Stop here."]);
  before = request => request;
  requests = [];
  const again = await upload(path);
  expect(again.code).toBe(0);
  expect(requests).toEqual(["POST", "HEAD", `PATCH ${8 * MB}`]);
  await expectWhole(path, JSON.parse(again.out).items[0].id);
}, 60_000);

test("what is refused is told by its first bytes, and what nobody takes is one line", async () => {
  const program = join(home, "program.jpg");
  await Bun.write(program, Buffer.concat([Buffer.from("MZ this is a program"), Buffer.alloc(20 * MB)]));
  const refused = await upload(program);
  expect([refused.code, JSON.parse(refused.out).items[0].error.message]).toEqual([
    1,
    expect.stringContaining("a Windows program"),
  ]);
  expect(requests).toEqual(["POST", "HEAD", "PATCH 0"]);
  const gone = await upload(join(home, "nothing.jpg"));
  expect(JSON.parse(gone.out).items[0].error.message).toContain("there is no such file");
}, 60_000);
