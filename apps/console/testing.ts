/** For tests of the console: a browser with a page that complains about everything a person would not see. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { until } from "../../platform/testing/index.ts";
import type { TestStack } from "../cluster/testing.ts";

/** No sandbox of its own: containers forbid it, and it opens nothing but our own pages. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const axe = await Bun.file(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir)).text();
const PATIENCE_MS = 15_000;

export type Visit = {
  readonly page: Page;
  /** What the browser's console said that is no good news: errors, refusals of the content policy. */
  readonly complaints: string[];
  /** Opens a view by its address. */
  open(path: string): Promise<void>;
  close(): Promise<void>;
};

export type Visitor = { visit(options?: BrowserContextOptions): Promise<Visit>; close(): Promise<void> };

/** Expected when nobody is logged in yet, or a test provokes it; the console shows a person what it means. */
const TOLD = /status of (401|403|404|409|415|422|429)/;

export async function startBrowser(executablePath: string, cluster: TestStack): Promise<Visitor> {
  const browser: Browser = await chromium.launch({ executablePath, args: FLAGS });
  const origin = cluster.stack().api;
  return {
    async visit(options = {}) {
      const context = await browser.newContext({ baseURL: origin, locale: "en-GB", ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("pageerror", error => complaints.push(String(error)));
      page.on("console", message => {
        if (message.type() === "error" && !TOLD.test(message.text())) complaints.push(message.text());
      });
      return {
        page,
        complaints,
        async open(path) {
          await page.goto(`/console${path}`);
        },
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

/** Enters a key by hand. */
export async function logIn(
  { page, open }: Visit,
  key: string,
  role: "Operate" | "View" = "Operate",
): Promise<void> {
  await open("/");
  await enterKey(page, key, role);
}

export async function enterKey(page: Page, key: string, role: "Operate" | "View" = "Operate"): Promise<void> {
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.getByLabel(role).check();
  await page.getByRole("button", { name: /Log in|Add the key/ }).click();
  await page.locator(".shell").waitFor();
}

/** What axe finds wrong with the page as it is (https://github.com/dequelabs/axe-core), one line a fault. */
export async function faultsOf(page: Page, where: string, only?: string[]): Promise<string[]> {
  // Handed over by the debugger, which no content policy stops.
  await page.evaluate(`globalThis.axe ?? (() => { ${axe} })()`);
  const runOnly = only ?? ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const rules = JSON.stringify({ runOnly });
  type Found = { id: string; help: string; nodes: { html: string }[] };
  const found = await page.evaluate<Found[]>(`axe.run(document, ${rules}).then(result => result.violations)`);
  return found.map(({ id, help, nodes }) => `${where}: ${id}, ${help}: ${nodes[0]?.html.slice(0, 160)}`);
}

const LIGHT = { width: 1_280, height: 800 };
const PHONE = { width: 375, height: 760 };

/** What is wrong with a view for anybody: in light, on a phone, and (its colours alone) in dark. */
export async function looksOf(page: Page, path: string): Promise<string[]> {
  // As the menu does it: loading the whole page anew for each view would take most of the time.
  await page.evaluate(
    `history.pushState(null, "", "/console${path}"); dispatchEvent(new PopStateEvent("popstate"))`,
  );
  await page.locator("main h1").waitFor();
  await page.locator(".skeleton").first().waitFor({ state: "detached" });
  const faults = await faultsOf(page, path);
  await page.setViewportSize(PHONE);
  faults.push(...(await overflowOf(page, path)));
  await page.setViewportSize(LIGHT);
  // Single entries are made of the same parts as their lists.
  if (path.lastIndexOf("/") > 0) return faults;
  await page.emulateMedia({ colorScheme: "dark" });
  faults.push(...(await faultsOf(page, `${path} in dark`, ["color-contrast"])));
  await page.emulateMedia({ colorScheme: "light" });
  return faults;
}

/** A page must not be wider than the screen. */
async function overflowOf(page: Page, where: string): Promise<string[]> {
  const wide = await page.evaluate<number>(`document.documentElement.scrollWidth - ${PHONE.width}`);
  return wide > 0 ? [`${where}: ${wide} px wider than the screen`] : [];
}

/** The views of operators or of merchants, lists and single entries, with something in them. */
export async function addresses(cluster: TestStack, area: "ops" | "admin"): Promise<string[]> {
  const keys = cluster.stack().keys as { secret: string; ops: string };
  const key = area === "ops" ? keys.ops : keys.secret;
  const names =
    area === "ops" ? ["jobs", "dead", "mailbox", "schedules"] : ["orders", "media", "products", "imports"];
  if (area === "ops") await deadLetter(cluster, "drill:shown");
  const both = names.map(async name => {
    const limit = name === "schedules" ? "" : "?limit=1";
    type Items = { items: { id?: string; name?: string }[] };
    const { items } = await call<Items>(cluster, `/${area}/${name}${limit}`, { key });
    return [`/${name}`, `/${name}/${encodeURIComponent(items[0]?.id ?? items[0]?.name ?? "none")}`];
  });
  const single =
    area === "ops"
      ? ["/overview", "/pools", "/stores", "/search-indexes", "/alerts", "/timeline?key=drill:shown"]
      : ["/figures", "/media/sizes", "/search"];
  return [...single, ...(await Promise.all(both)).flat()];
}

/** Scripts for the page are texts: the project's own types know no DOM. */
export function focused(page: Page): Promise<string> {
  return page.evaluate<string>("document.activeElement.textContent.trim()");
}

/** Makes what the browser hands over when somebody drops a file. */
export function dropOf(name: string, type: string, bytes: Buffer): string {
  const content = JSON.stringify(bytes.toString("base64"));
  return `(() => {
    const bytes = Uint8Array.from(atob(${content}), one => one.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], ${JSON.stringify(name)}, { type: ${JSON.stringify(type)} }));
    return transfer;
  })()`;
}

type Call = { method?: string; json?: unknown; key: string };

/** JSON of the API, past the console. */
export async function call<T>(
  cluster: TestStack,
  path: string,
  { method = "GET", json, key }: Call,
): Promise<T> {
  const response = await fetch(cluster.stack().api + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A dead letter of a drill; its id. */
export async function deadLetter(cluster: TestStack, jobKey: string): Promise<string> {
  const key = cluster.stack().keys!.ops!;
  const json = { kind: "drill.fail.low", payload: { permanent: true }, key: jobKey };
  const { id } = await call<{ id: string }>(cluster, "/ops/jobs", { method: "POST", json, key });
  return until(
    async () => {
      const { items } = await call<{ items: { id: string; jobId: string }[] }>(
        cluster,
        "/ops/dead?limit=100",
        { key },
      );
      return items.find(one => one.jobId === id)?.id;
    },
    { timeoutMs: PATIENCE_MS, what: "the dead letter" },
  );
}
