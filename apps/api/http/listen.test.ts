/** A listening node and clients that hold it up on purpose, over sockets of the test. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestApi, testApi } from "../testing.ts";
import { listen, peerOf } from "./listen.ts";

/** The least that Bun's timers can do. */
const IDLE_SECONDS = 4;
/** Bun's own bound on headers is ten seconds, seen in steps of four. */
const PATIENCE_MS = 17_000;

let api: TestApi;
let server: Bun.Server<undefined>;
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "tradewind-listen-"));
  api = await testApi({ config: { mediaDir: dir }, deps: { peerOf } });
  const pace = { idleSeconds: IDLE_SECONDS, uploadKbPerSecond: 100 };
  server = listen({ ...pace, fetch: api.app.fetch }, { port: 0, hostname: "127.0.0.1" });
});
afterAll(async () => {
  await server.stop(true);
  await api.close();
  await rm(dir, { recursive: true });
});

type Held = { tookMs: number; answer: string };
type Drip = { piece: string; everyMs: number };

/** Sends `head`, then drips until the other side closes. Rejects when it does not. */
function hold(head: string, drip?: Drip): Promise<Held> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let answer = "";
    const socket = connect(server.port!, "127.0.0.1", () => socket.write(head));
    const dripping = drip && setInterval(() => socket.write(drip.piece), drip.everyMs);
    const late = setTimeout(() => {
      socket.destroy();
      reject(new Error(`still open: ${head.slice(0, 40)}`));
    }, PATIENCE_MS);
    socket.on("data", data => (answer += data));
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(dripping);
      clearTimeout(late);
      resolve({ tookMs: performance.now() - began, answer });
    });
  });
}

const head = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, "Host: shop.example", ...headers, "", ""].join("\r\n");

const FILE = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
const upload = (bytes: number) =>
  `${head(
    "POST /admin/media",
    `Authorization: Bearer ${api.keys.secret}`,
    "Content-Type: multipart/form-data; boundary=b",
    `Content-Length: ${bytes}`,
  )}${FILE}`;

const everyBit = { piece: "x", everyMs: 100 };

test("whoever holds a connection up is cut off, at each step of a request", async () => {
  const secret = `Authorization: Bearer ${api.keys.secret}`;
  const json = "Content-Type: application/json";
  const held = await Promise.all([
    hold(""),
    hold("GET /healthz HT"),
    hold("GET /healthz HTTP/1.1\r\nX-Slow: ", everyBit),
    hold("GET /healthz HTTP/1.1\r\n", { piece: "X-Slow: 1\r\n", everyMs: 100 }),
    hold(head("POST /admin/products", secret, json, "Content-Length: 100000"), everyBit),
    hold(head("POST /admin/products", secret, json, "Transfer-Encoding: chunked"), {
      piece: "1\r\nx\r\n",
      everyMs: 100,
    }),
    // Nobody reads these bodies.
    hold(head("POST /nowhere/events", "Content-Length: 100000"), everyBit),
    hold(head("POST /webhooks/stripe", "Content-Length: 100000"), everyBit),
    // An answered request leaves a connection that may be used again, for as long.
    hold(head("GET /healthz")),
    hold(head("GET /ops/jobs/x/events")),
    hold(head("GET /store/orders/ord_00000000/events", `x-publishable-key: ${api.keys.publishable}`)),
    hold(upload(10_000)),
    hold(upload(10_000_000), everyBit),
  ]);
  expect(held.at(-1)!.answer).toMatch(/^HTTP\/1.1 408 .*body_too_slow/s);
  // What was received of uploads that were given up is gone.
  expect(await readdir(join(dir, "incoming")).catch(() => [])).toEqual([]);
  expect((await fetch(`${server.url}healthz`)).status).toBe(200);
}, 120_000);

test("an upload that moves may take longer than a connection may be idle", async () => {
  const rows = "lamp,Lamp,1.00\n".repeat(5_000);
  const slowly = new ReadableStream<Uint8Array>({
    async pull(controller) {
      controller.enqueue(Buffer.from(FILE.replace("png", "csv")));
      controller.enqueue(Buffer.from("Handle,Title,Variant Price\n"));
      for (let i = 0; i < 12; i++) {
        controller.enqueue(Buffer.from(rows));
        await Bun.sleep(500);
      }
      controller.enqueue(Buffer.from("\r\n--b--\r\n"));
      controller.close();
    },
  });
  const answer = await fetch(`${server.url}admin/imports`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${api.keys.secret}`,
      "content-type": "multipart/form-data; boundary=b",
    },
    body: slowly,
  });
  expect(answer.status).toBe(202);
}, 120_000);

test.each([
  ["a header of 20 KB", head("GET /healthz", `X-Long: ${"x".repeat(20_000)}`), 431],
  ["300 headers", head("GET /healthz", ...Array.from({ length: 300 }, (_, i) => `X-${i}: 1`)), 431],
  ["a URL of 20 KB", head(`GET /${"x".repeat(20_000)}`), 431],
  ["two lengths", `${head("POST /ops/jobs", "Content-Length: 5", "Content-Length: 6")}abcdef`, 400],
  [
    "a length and chunks",
    `${head("POST /ops/jobs", "Content-Length: 5", "Transfer-Encoding: chunked")}0\r\n\r\nG`,
    400,
  ],
  ["a negative length", head("POST /ops/jobs", "Content-Length: -5"), 400],
  ["no host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
  ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
])("%s is refused and the connection closed", async (_, bytes, status) => {
  expect((await hold(bytes)).answer).toStartWith(`HTTP/1.1 ${status} `);
});
