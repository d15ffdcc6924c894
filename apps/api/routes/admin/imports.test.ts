import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoCatalog } from "../../../../commerce/demo/index.ts";
import { runImport } from "../../../../commerce/imports/index.ts";
import { createKey, createStore } from "../../../../commerce/stores/index.ts";
import { openStorage } from "../../../../platform/storage/index.ts";
import { type TestApi, testApi } from "../../testing.ts";

let api: TestApi;
let mediaDir: string;

beforeAll(async () => {
  mediaDir = await mkdtemp(join(tmpdir(), "tradewind-imports-"));
  api = await testApi({ config: { mediaDir } });
});
afterAll(async () => {
  await api.close();
  await rm(mediaDir, { recursive: true });
});

function form(file: Blob, name = "file"): FormData {
  const data = new FormData();
  data.set(name, file, "products.csv");
  return data;
}

const send = (body: FormData | string, query = "", key = api.keys.secret) =>
  api.request("POST", `/admin/imports${query}`, { key, body });

describe("POST /admin/imports", () => {
  test("takes a file in, queues its job and shows it from then on", async () => {
    const answer = await send(form(Bun.file(demoCatalog)), "?inventory=set");
    expect(answer.status).toBe(202);
    const accepted = (await answer.json()) as { id: string; status: string; href: string };
    expect(accepted).toEqual({
      id: accepted.id,
      status: "queued",
      href: `/admin/imports/${accepted.id}`,
    });
    expect(answer.headers.get("location")).toBe(accepted.href);
    const jobs = await api.sql`SELECT kind FROM bus.outbox WHERE key = ${`import:${accepted.id}`}`;
    expect(jobs.map(job => job.kind)).toEqual(["catalog.import"]);

    const origin = { storeId: api.store.id };
    await runImport({ sql: api.sql, storage: openStorage(api.deps.config) }, origin, accepted.id);
    const shown = await (await api.request("GET", accepted.href, { key: api.keys.secret })).json();
    expect(shown).toMatchObject({
      status: "done",
      fileName: "products.csv",
      inventory: "set",
      products: 25,
      variants: 50,
      errors: [],
    });
    const list = (await (await api.request("GET", "/admin/imports", { key: api.keys.secret })).json()) as {
      items: { id: string }[];
    };
    expect(list.items[0]!.id).toBe(accepted.id);
  });

  test("says what is wrong with a request and keeps nothing of it", async () => {
    const before = await Array.fromAsync(openStorage(api.deps.config).list("imports"));
    const cases: [Response, number, string][] = [
      [await send(form(new Blob(["name;price\n"]))), 422, "invalid_file"],
      [await send(form(new Blob([new Uint8Array([0x4d, 0x5a, 0, 0])]))), 422, "invalid_file"],
      [await send(form(new Blob(["x"]), "other")), 422, "invalid"],
      [await send(new FormData()), 422, "invalid"],
      [await send("{}"), 415, "unsupported_media_type"],
      [await send(form(Bun.file(demoCatalog)), "?inventory=all"), 422, "invalid"],
      [await send(form(Bun.file(demoCatalog)), "", api.keys.ops), 403, "forbidden"],
      [await send(form(Bun.file(demoCatalog)), "", ""), 401, "unauthorized"],
    ];
    for (const [answer, status, code] of cases) {
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
    }
    expect(await Array.fromAsync(openStorage(api.deps.config).list("imports"))).toEqual(before);
  });

  test("shows another store nothing", async () => {
    const { id } = (await (await send(form(Bun.file(demoCatalog)))).json()) as { id: string };
    const other = await createStore(api.sql, { name: "Other", currency: "EUR" });
    const { key } = await createKey(api.sql, { kind: "secret", storeId: other.id, name: "other" });
    for (const path of [id, "imp_unknown00", "x"]) {
      expect((await api.request("GET", `/admin/imports/${path}`, { key })).status).toBe(404);
    }
    expect(await (await api.request("GET", "/admin/imports", { key })).json()).toEqual({
      items: [],
      nextCursor: null,
    });
  });
});
