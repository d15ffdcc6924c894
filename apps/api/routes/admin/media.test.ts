import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect as openSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { convertAsset } from "../../../../media/index.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { until } from "../../../../platform/testing/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let mediaDir = "";
let server: ReturnType<typeof Bun.serve>;
let url = "";

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-api-media-"));
  api = await testApi({ config: { mediaDir, mediaMaxMb: 1 } });
  server = Bun.serve({ port: 0, maxRequestBodySize: 2 ** 31, fetch: request => api.app.fetch(request) });
  url = `http://localhost:${server.port}`;
});
afterAll(async () => {
  await server.stop(true);
  await Promise.all([api.close(), rm(mediaDir, { recursive: true })]);
});

let seed = 0;
/** A small picture that no other test has. */
function picture(width = 40, height = 30): Promise<Buffer> {
  const background = { r: seed++ % 256, g: (seed >> 8) % 256, b: 77 };
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

type Fields = Record<string, string>;

function formOf(files: (Uint8Array | string)[], fields: Fields = {}): FormData {
  const form = new FormData();
  for (const [index, bytes] of files.entries())
    form.append("file", new File([Buffer.from(bytes as string)], `${index}.jpg`));
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}

function call(path: string, init: RequestInit & { key?: string } = {}): Promise<Response> {
  const authorization = `Bearer ${init.key ?? api.keys.secret}`;
  return fetch(url + path, { ...init, headers: { authorization, ...(init.headers as Fields) } });
}

const post = (files: (Uint8Array | string)[], fields?: Fields) =>
  call("/admin/media", { method: "POST", body: formOf(files, fields) });

async function uploaded(bytes: Uint8Array, fields?: Fields): Promise<string> {
  const response = await post([bytes], fields);
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

type Json = {
  code: string;
  sha256: string;
  maxBytes: number;
  variants: { url: string }[];
  items: { id: string }[];
  nextCursor: string | null;
};
const body = async (response: Response) => (await response.json()) as Json;
const get = async (id: string) => body(await call(`/admin/media/${id}`));
const convert = (id: string) =>
  convertAsset({ sql: api.sql, storage: openStorage(api.deps.config) }, { storeId: api.store.id }, id, {
    attempt: 1,
  });

async function expectNothingLeft(): Promise<void> {
  const staging = () => readdir(join(mediaDir, ".staging")).catch(() => []);
  await until(async () => (await staging()).length === 0, { what: "an empty staging folder" });
}

const assetCount = async () => Number((await api.sql`SELECT count(*) AS n FROM media.asset`)[0]!.n);

/** What a client that sends `text` and then waits, or leaves, gets to see. */
function raw(text: string, options: { leave?: boolean } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(server.port!, "localhost", () => {
      socket.write(text, "latin1", () => {
        if (options.leave) setImmediate(() => socket.destroy());
      });
    });
    let answer = "";
    socket.on("data", chunk => {
      answer += chunk.toString("latin1");
      if (answer.includes("}")) socket.destroy();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

function rawUpload(content: string, claimedBytes: number): string {
  const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="holiday.jpg"\r\n\r\n';
  return [
    "POST /admin/media HTTP/1.1",
    "host: localhost",
    `authorization: Bearer ${api.keys.secret}`,
    "content-type: multipart/form-data; boundary=b",
    `content-length: ${claimedBytes}`,
    "",
    head + content,
  ].join("\r\n");
}

describe("POST /admin/media", () => {
  test("takes a picture, and its asset can be asked for at once", async () => {
    const response = await post([await picture()], { alt: "A cup" });
    expect(response.status).toBe(202);
    const { id, status, href } = (await response.json()) as Fields;
    expect(id).toStartWith("asset_");
    expect([status, href, response.headers.get("location")]).toEqual([
      "processing",
      `/admin/media/${id}`,
      `/admin/media/${id}`,
    ]);
    expect(await get(id!)).toMatchObject({
      id,
      status: "processing",
      format: "png",
      filename: "0.jpg",
      alt: "A cup",
      variants: [],
      progress: { done: 0, total: 9 },
    });
    await expectNothingLeft();
  });

  test("takes several at once, in their order", async () => {
    const files = await Promise.all([picture(10), picture(11), picture(12)]);
    const response = await post(files);
    const { items } = (await response.json()) as { items: { id: string }[] };
    const hashes = await Promise.all(items.map(async ({ id }) => (await get(id)).sha256));
    expect(hashes).toEqual(files.map(file => new Bun.CryptoHasher("sha256").update(file).digest("hex")));
  });

  test("makes one asset and one job of the same bytes, sent many times at once", async () => {
    const bytes = await picture();
    const ids = await Promise.all(Array.from({ length: 8 }, () => uploaded(bytes)));
    expect(new Set(ids).size).toBe(1);
    const jobs = await api.sql`SELECT id FROM bus.outbox WHERE key = ${`asset:${ids[0]}`}`;
    expect(jobs).toHaveLength(1);
  });

  test("attaches a picture that is there already to a product, without new work", async () => {
    const bytes = await picture();
    const id = await uploaded(bytes);
    await convert(id);
    const jobs = async () => {
      const rows = await api.sql`SELECT kind FROM bus.outbox WHERE key = ${`asset:${id}`} ORDER BY id`;
      return rows.map(row => row.kind);
    };
    const converted = ["image.convert", "catalog.attach_media", "catalog.attach_media"];
    expect(await jobs()).toEqual(converted);
    await api.sql`INSERT INTO catalog.product (id, store_id, handle, title) VALUES ('prod_00000001', ${api.store.id}, 'cup', 'Cup')`;
    expect(await uploaded(bytes, { productId: "prod_00000001" })).toBe(id);
    expect(await get(id)).toMatchObject({
      status: "ready",
      productId: "prod_00000001",
      position: 0,
    });
    await uploaded(bytes, { productId: "prod_00000001" });
    expect(await jobs()).toEqual([...converted, "catalog.attach_media"]);
    const next = await uploaded(await picture(), { productId: "prod_00000001" });
    expect(await get(next)).toMatchObject({ position: 1 });
  });

  const refusals: [string, number, string, () => Promise<Response>][] = [
    ["an executable named .jpg", 415, "unsupported_media_type", () => post(["MZ\x90\0 this program"])],
    ["text", 415, "unsupported_media_type", () => post(["I am a picture, believe me."])],
    ["a web page", 415, "unsupported_media_type", () => post(["<html><svg/><script>1</script></html>"])],
    ["an empty file", 422, "empty_file", () => post([""])],
    [
      "a picture cut off in its headers",
      422,
      "unreadable",
      async () => post([(await picture()).subarray(0, 20)]),
    ],
    ["a decompression bomb", 422, "too_many_pixels", async () => post([bomb(await picture())])],
    [
      "more bytes than allowed",
      413,
      "body_too_large",
      async () => post([Buffer.concat([await picture(), Buffer.alloc(2 ** 20)])]),
    ],
    ["too many files", 413, "too_many_files", async () => post(Array(21).fill(await picture()))],
    ["a form without a file", 422, "invalid", () => post([], { alt: "x" })],
    ["an unknown field", 422, "invalid", async () => post([await picture()], { colour: "red" })],
    [
      "an unknown product",
      422,
      "invalid",
      async () => post([await picture()], { productId: "prod_00000009" }),
    ],
    ["a bad position", 422, "invalid", async () => post([await picture()], { position: "-1" })],
    ["a long alt", 422, "invalid", async () => post([await picture()], { alt: "x".repeat(501) })],
    [
      "a very long alt",
      413,
      "body_too_large",
      async () => post([await picture()], { alt: "x".repeat(2 ** 20) }),
    ],
    [
      "one bad file among good ones",
      415,
      "unsupported_media_type",
      async () => post([await picture(), "text, not a picture"]),
    ],
    ["JSON", 415, "unsupported_media_type", () => call("/admin/media", { method: "POST", body: "{}" })],
    [
      "no boundary",
      400,
      "malformed_multipart",
      () =>
        call("/admin/media", {
          method: "POST",
          body: "x",
          headers: { "content-type": "multipart/form-data" },
        }),
    ],
    [
      "a publishable key",
      403,
      "forbidden",
      async () =>
        call("/admin/media", { method: "POST", body: formOf([await picture()]), key: api.keys.publishable }),
    ],
    [
      "no key",
      401,
      "unauthorized",
      () => fetch(`${url}/admin/media`, { method: "POST", body: formOf(["x"]) }),
    ],
  ];

  test.each(refusals)("refuses %s with %i %s and keeps nothing", async (_, status, code, send) => {
    const before = await assetCount();
    const response = await send();
    expect([response.status, response.headers.get("content-type")]).toEqual([
      status,
      "application/problem+json; charset=utf-8",
    ]);
    expect((await body(response)).code).toBe(code);
    expect(await assetCount()).toBe(before);
    await expectNothingLeft();
  });

  test("says which limit a file breaks", async () => {
    const response = await post([Buffer.concat([await picture(), Buffer.alloc(2 ** 20)])]);
    expect((await body(response)).maxBytes).toBe(1_048_576);
  });

  test("refuses an executable on its first bytes, while the rest has not been sent", async () => {
    const answer = await raw(rawUpload(`MZ${"\0".repeat(200)}`, 900_000_000));
    expect(answer).toStartWith("HTTP/1.1 415");
    expect(answer).toContain("a Windows program");
  });

  test("leaves nothing of an upload whose connection dies", async () => {
    const before = await assetCount();
    const content = (await picture()).toString("latin1") + "\0".repeat(100_000);
    await raw(rawUpload(content, 500_000), { leave: true });
    await expectNothingLeft();
    expect(await assetCount()).toBe(before);
    expect(await uploaded(await picture())).toStartWith("asset_");
  });
});

/** A PNG whose header claims four thousand million pixels. */
function bomb(png: Buffer): Buffer {
  const bytes = Buffer.from(png);
  bytes.writeUInt32BE(65_536, 16);
  bytes.writeUInt32BE(65_536, 20);
  return bytes;
}

describe("GET /admin/media", () => {
  test("pages through a store's assets and shows none of another's", async () => {
    const other = await createStore(api.sql, { name: "Other", currency: "EUR" });
    const { key } = await createKey(api.sql, { kind: "secret", storeId: other.id, name: "x" });
    const send = async () => {
      const response = await call("/admin/media", { method: "POST", key, body: formOf([await picture()]) });
      return ((await response.json()) as { id: string }).id;
    };
    const ids = [await send(), await send(), await send()];
    const page = async (query: string) => body(await call(`/admin/media?limit=2${query}`, { key }));
    const first = await page("");
    const second = await page(`&cursor=${first.nextCursor}`);
    const seen = [...first.items, ...second.items];
    expect(seen.map(item => item.id)).toEqual(ids.toSorted().reverse());
    expect(second.nextCursor).toBe(null);
    expect((await page("&status=ready")).items).toEqual([]);
    expect((await call(`/admin/media/${ids[0]}`)).status).toBe(404);
    expect((await call(`/admin/media/${ids[0]}/events`)).status).toBe(404);
    expect((await call("/admin/media/asset_nothing1")).status).toBe(404);
    expect((await call("/admin/media/..%2f..%2fetc")).status).toBe(404);
  });

  test("streams the progress of an asset until it is ready", async () => {
    const id = await uploaded(await picture());
    const response = await call(`/admin/media/${id}/events`);
    expect(response.headers.get("content-type")).toStartWith("text/event-stream");
    const [text] = await Promise.all([response.text(), convert(id)]);
    const events = [...text.matchAll(/^event: (\w+)\n(?:id: \d+\n)?data: (.+)$/gm)];
    expect(events[0]![1]).toBe("progress");
    expect(events.at(-1)![1]).toBe("ready");
    expect(JSON.parse(events.at(-1)![2]!)).toEqual(await get(id));
    const late = await (await call(`/admin/media/${id}/events`)).text();
    expect([...late.matchAll(/^event: (\w+)$/gm)].map(match => match[1])).toEqual(["ready"]);
  });
});

describe("GET /media/…", () => {
  let path = "";
  let whole: Buffer;
  beforeAll(async () => {
    const id = await uploaded(await picture(200, 100));
    await convert(id);
    path = (await get(id)).variants[0]!.url;
    whole = Buffer.from(await (await fetch(url + path)).arrayBuffer());
  });
  const ask = (headers: Fields, method = "GET") => fetch(url + path, { method, headers });

  test("serves a variant that may be kept for ever and can do no harm", async () => {
    const response = await ask({});
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/webp",
      "content-length": String(whole.length),
      "cache-control": "public, max-age=31536000, immutable",
      etag: `"${new Bun.CryptoHasher("sha256").update(whole).digest("hex")}"`,
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
    });
    expect((await sharp(whole).metadata()).format).toBe("webp");
  });

  test("answers 304 to whoever has it, and HEAD without a body", async () => {
    const etag = (await ask({})).headers.get("etag")!;
    const unchanged = await ask({ "if-none-match": `"x", ${etag}` });
    expect([unchanged.status, await unchanged.text(), unchanged.headers.get("etag")]).toEqual([
      304,
      "",
      etag,
    ]);
    const head = await ask({}, "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
      200,
      String(whole.length),
      "",
    ]);
  });

  test.each([
    ["bytes=0-9", 0, 10],
    ["bytes=10-", 10, undefined],
    ["bytes=-7", -7, undefined],
    ["bytes=5-999999999", 5, undefined],
  ] as const)("gives the range %s", async (range, from, to) => {
    const response = await ask({ range });
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(206);
    expect(bytes.equals(whole.subarray(from, to))).toBe(true);
    const start = from < 0 ? whole.length + from : from;
    expect(response.headers.get("content-range")).toBe(
      `bytes ${start}-${start + bytes.length - 1}/${whole.length}`,
    );
  });

  test("refuses a range behind the end, and ignores what is no single range or of another file", async () => {
    const behind = await ask({ range: `bytes=${whole.length}-` });
    expect([behind.status, behind.headers.get("content-range")]).toEqual([416, `bytes */${whole.length}`]);
    for (const range of ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "lines=0-9", "bytes=a-b"]) {
      expect((await ask({ range })).status).toBe(200);
    }
    expect((await ask({ range: "bytes=0-9", "if-range": '"other"' })).status).toBe(200);
  });

  test("finds nothing but variants", async () => {
    const original = (await readdir(join(mediaDir, "original"), { recursive: true })).find(
      name => name.length > 60,
    )!;
    const sha256 = original.split("/").at(-1)!;
    const paths = [
      `/media/${"0".repeat(64)}.webp`,
      `/media/${sha256}`,
      `/media/${sha256}.png`,
      `/media/${path.slice(7, 71)}.html`,
      `/media/${path.slice(7, 71)}.jpg`,
      "/media/..%2f..%2foriginal",
      "/media/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
      "/media/__proto__",
      `/media/${"a".repeat(300)}`,
    ];
    for (const one of paths) expect([one, (await fetch(url + one)).status]).toEqual([one, 404]);
  });
});
