import { afterAll, beforeAll, expect, test } from "bun:test";
import { isPublicAddress, OutgoingRefused, postJson } from "./outgoing.ts";

let receiver: ReturnType<typeof Bun.serve>;
const got: { host: string | null; body: unknown }[] = [];
beforeAll(() => {
  receiver = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/away") return Response.redirect("http://169.254.169.254/latest", 302);
      if (pathname === "/never") await new Promise(() => {});
      got.push({ host: request.headers.get("host"), body: await request.json() });
      return new Response("x".repeat(10), { status: 202 });
    },
  });
});
afterAll(() => receiver.stop(true));

const here = async () => [{ address: "127.0.0.1", family: 4 }];

test("goes to the address that was judged, under the name that was asked for", async () => {
  const url = `http://hooks.shop.example:${receiver.port}/in`;
  const options = { timeoutMs: 2_000, allowPrivate: true, resolve: here };
  expect(await postJson(url, { a: 1 }, options)).toBe(202);
  expect(got).toEqual([{ host: `hooks.shop.example:${receiver.port}`, body: { a: 1 } }]);
});

test("a name with a private address is refused, whatever else it has", async () => {
  const both = async () => [
    { address: "93.184.216.34", family: 4 },
    { address: "127.0.0.1", family: 4 },
  ];
  for (const resolve of [here, both]) {
    const called = postJson(
      "http://hooks.shop.example/",
      {},
      { timeoutMs: 500, allowPrivate: false, resolve },
    );
    await expect(called).rejects.toThrow(OutgoingRefused);
  }
  for (const url of ["http://127.0.0.1/", "http://[::1]/", "http://0x7f000001/", "file:///etc/passwd"]) {
    await expect(postJson(url, {}, { timeoutMs: 500, allowPrivate: false })).rejects.toThrow(OutgoingRefused);
  }
});

test.each([
  "http://2130706433/",
  "http://0177.0.0.1/",
  "http://0x7f.1/",
  "http://127.1/",
  "http://0/",
  "http://[::ffff:127.0.0.1]/",
  "http://[::ffff:7f00:1]/",
  "http://[::7f00:1]/",
  "http://[64:ff9b::a00:1]/",
  "http://[fe80::1]/",
  "http://[fd12:3456::1]/",
  "http://169.254.169.254/latest/meta-data",
  "http://metadata@10.0.0.1/",
  "http://localhost/",
])("%s is an address within, however it is written", async url => {
  const called = postJson(url, {}, { timeoutMs: 500, allowPrivate: false });
  await expect(called).rejects.toThrow(OutgoingRefused);
});

test("a name is resolved once: what it is afterwards (DNS rebinding) changes nothing", async () => {
  const { length } = got;
  let asked = 0;
  const rebinding = async () =>
    asked++ === 0 ? [{ address: "127.0.0.1", family: 4 }] : [{ address: "169.254.169.254", family: 4 }];
  const url = `http://rebind.example:${receiver.port}/in`;
  expect(await postJson(url, {}, { timeoutMs: 2_000, allowPrivate: true, resolve: rebinding })).toBe(202);
  expect([asked, got.length]).toEqual([1, length + 1]);
});

test("redirects are not followed, and silence ends", async () => {
  const options = { timeoutMs: 300, allowPrivate: true };
  expect(await postJson(`${receiver.url}away`, {}, options)).toBe(302);
  await expect(postJson(`${receiver.url}never`, {}, options)).rejects.toThrow();
});

test("knows what is public", () => {
  for (const address of ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
    expect([address, isPublicAddress(address)]).toEqual([address, true]);
  for (const address of [
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.0.1",
    "192.168.1.1",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
    "0:0:0:0:0:ffff:7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "nonsense",
  ])
    expect([address, isPublicAddress(address)]).toEqual([address, false]);
});
