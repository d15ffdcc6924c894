import { describe, expect, test } from "bun:test";
import { environmentReaders, importsOf, importViolations } from "./imports.ts";
import { isTest, readSources } from "./sources.ts";

/** `from → to`: why. */
const exceptions: Record<string, string> = {
  "apps/cluster/downstreams.test.ts → workers/handler.ts": "needs both real servers and workers",
  "apps/cluster/downstreams.test.ts → workers/testing.ts": "needs both real servers and workers",
};

const file = (path: string, text: string) => ({ path, text });

describe("the project", () => {
  test("imports run one way, and modules are entered by their doors", async () => {
    expect(importViolations(await readSources("ts"), exceptions)).toEqual([]);
  });

  test("only the configuration reads the environment", async () => {
    // Hands PATH, HOME and the like to the programs of others, and nothing else.
    const allowed = new Set(["apps/cluster/servers/server.ts"]);
    expect(environmentReaders(await readSources("ts")).filter(path => !allowed.has(path))).toEqual([]);
  });

  test("nothing that runs imports what only tests need", async () => {
    const running = (await readSources("ts")).filter(({ path }) => !isTest(path));
    const leaks = running.flatMap(source =>
      importsOf(source)
        .filter(isTest)
        .map(to => `${source.path} → ${to}`),
    );
    // The test runner prepares the databases that tests clone.
    expect(leaks.filter(leak => !leak.startsWith("apps/cluster/test"))).toEqual([]);
  });

  test("what runs in the browser imports nothing from outside its folder, and of packages Preact alone", async () => {
    const client = "apps/console/client/";
    const sources = (await readSources("ts")).filter(({ path }) => path.startsWith(client));
    expect(sources.length).toBeGreaterThan(50);
    const outside = sources.flatMap(source => importsOf(source).filter(to => !to.startsWith(client)));
    const packages = sources.flatMap(({ text }) =>
      [...text.matchAll(/ from "([^."][^"]*)"/g)].map(one => one[1]!),
    );
    expect(outside).toEqual([]);
    expect([...new Set(packages)].toSorted()).toEqual(["preact", "preact/hooks"]);
  });

  test("no folder is a drawer", async () => {
    const folders = (await readSources("ts")).flatMap(({ path }) => path.split("/").slice(0, -1));
    expect(folders.filter(name => /^(utils?|common|helpers?|lib|types)$/.test(name))).toEqual([]);
  });

  test("every module's door has a header that says what it is for", async () => {
    const doors = (await readSources("ts")).filter(
      ({ path }) => /^(bus|search|media|commerce\/\w+|platform\/\w+)\/index\.ts$/.test(path) && !isTest(path),
    );
    expect(doors.length).toBeGreaterThan(5);
    for (const { path, text } of doors) expect(`${path} ${text.trimStart().slice(0, 3)}`).toBe(`${path} /**`);
  });
});

describe("the check finds", () => {
  const faults = (path: string, text: string) => importViolations([file(path, text)]).map(one => one.rule);

  test("an import against the direction", () => {
    expect(faults("platform/log.ts", `import { emit } from "../bus/index.ts";`)).toEqual([
      "platform is left of bus",
    ]);
    expect(faults("commerce/carts/service.ts", `export * from "../../search/index.ts";`)).toEqual([
      "commerce is left of search",
    ]);
  });

  test("an import of a type only, over several lines, or at run time", () => {
    expect(
      faults("bus/bus.ts", `import type {\n  Store,\n} from "../commerce/stores/index.ts";`),
    ).toHaveLength(1);
    expect(faults("bus/bus.ts", `const door = await import("../commerce/stores/index.ts");`)).toHaveLength(1);
    expect(faults("bus/bus.ts", `import "../media/index.ts";`)).toHaveLength(1);
  });

  test("neighbours on one step", () => {
    expect(faults("search/a.ts", `import { b } from "../media/index.ts";`)).toEqual([
      "search and media don't import each other",
    ]);
    expect(faults("workers/jobs/a.ts", `import { b } from "../../apps/api/app.ts";`)).toEqual([
      "workers and apps don't import each other",
    ]);
  });

  test("a module that is entered past its door", () => {
    expect(faults("apps/api/a.ts", `import { b } from "../../commerce/carts/store.ts";`)).toEqual([
      "commerce/carts is entered by its index.ts only",
    ]);
    expect(faults("commerce/orders/a.ts", `import { b } from "../carts/model.ts";`)).toHaveLength(1);
    expect(faults("workers/a.ts", `import { b } from "../bus/outbox.ts";`)).toHaveLength(1);
    expect(faults("apps/cli/a.ts", `import { b } from "../api/http/problem.ts";`)).toHaveLength(1);
  });

  test("nothing in what is allowed, in comments and in packages", () => {
    const text = `
      import { t } from "elysia";
      import { getStore } from "../../commerce/stores/index.ts";
      import { Problem } from "../../platform/errors.ts";
      // import { x } from "../../commerce/carts/store.ts";
      /* import { x } from "../../workers/pool.ts"; */`;
    expect(faults("apps/api/a.ts", text)).toEqual([]);
    expect(importsOf(file("apps/api/a.ts", text))).toHaveLength(2);
  });

  test("a file that reads the environment itself", () => {
    const read = (text: string, path = "bus/a.ts") => environmentReaders([file(path, text)]);
    expect(read("const home = process.env.HOME;")).toEqual(["bus/a.ts"]);
    expect(read("const home = Bun.env.HOME;")).toEqual(["bus/a.ts"]);
    expect(read("run(process.env);")).toEqual(["bus/a.ts"]);
    expect(read("const config = loadConfig(process.env); // process.env")).toEqual([]);
    expect(read("spawn({ env: { ...process.env, A: 1 } })")).toEqual([]);
    expect(read("await run(process.env);", "apps/cli/main.ts")).toEqual([]);
    expect(read("await run(process.env.HOME);", "apps/cli/main.ts")).toHaveLength(1);
  });
});
