/** What shoppers get while the search engine is frozen: a real one, stopped and let go on. */
import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadConfig } from "../../platform/config.ts";
import { newId } from "../../platform/ids.ts";
import { createLog } from "../../platform/log.ts";
import { newSecret } from "../../platform/secrets.ts";
import { testServers, until } from "../../platform/testing/index.ts";
import { indexProducts, openMeilisearch } from "../../search/index.ts";
import { product } from "../../search/testing.ts";
import { testApi } from "../api/testing.ts";
import { startMeilisearch } from "./servers/index.ts";

const PATIENT = { timeoutMs: 30_000 };

/** A log, and what was said in it. */
function overheard() {
  let lines = "";
  const destination = {
    write(some: string) {
      lines += some;
    },
  };
  const log = createLog({ level: "info", process: "test", destination });
  return { log, said: (text: string) => lines.includes(text) };
}

test.skipIf((await testServers()).meiliUrl === null)(
  "a frozen engine is found out after one search, every shopper gets an answer, and it is asked again when it goes on",
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "tradewind-search-"));
    const [secret, config] = [newSecret(), loadConfig(process.env)];
    const context = {
      ...{ dataDir: join(dir, "data"), logDir: dir, throwAway: true },
      binDir: join(resolve(config.home), "packages"),
    };
    const server = (await startMeilisearch(context, { secret, bin: config.meiliBin }))!;
    const { said, log } = overheard();
    const api = await testApi({ log, config: { meiliUrl: server.url, meiliKey: secret } });
    try {
      const engine = openMeilisearch({ url: server.url, key: secret });
      const id = newId("prod");
      const products = async () => [product(id, { title: "Copper kettle" })];
      await indexProducts({ sql: api.sql, engine, products }, api.store.id, [id]);
      let asked = 0;
      /** Each search another one, so that no answer is given again. */
      const search = async () => {
        const path = `/store/search?q=kettle&priceMax=${100_000 + ++asked}`;
        const response = await api.request("GET", path, { key: api.keys.publishable });
        const body = (await response.json()) as { engine: string; total: number };
        return { status: response.status, total: body.total, engine: body.engine };
      };
      const by = (engine: string) => ({ status: 200, total: 1, engine });
      await until(async () => (await search()).engine === "meilisearch", PATIENT);

      process.kill(server.pid, "SIGSTOP");
      expect(await search()).toEqual(by("postgres"));
      await until(() => said("search falls back to Postgres"), {
        ...PATIENT,
        what: "the decision",
      });
      expect(await search()).toEqual(by("postgres"));

      process.kill(server.pid, "SIGCONT");
      await until(
        async () => {
          const answer = await search();
          expect(answer).toEqual(by(answer.engine));
          return answer.engine === "meilisearch";
        },
        { ...PATIENT, what: "the engine" },
      );
      expect(said("search engine is back")).toBe(true);
    } finally {
      process.kill(server.pid, "SIGCONT");
      await api.close();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    }
  },
  120_000,
);
