/** The console as people use it: in a real browser, on a whole cluster. Left out with a word on a machine without one. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { testServers, until } from "../../platform/testing/index.ts";
import { startStack, type TestStack } from "../cluster/testing.ts";
import {
  addresses,
  call,
  deadLetter,
  dropOf,
  enterKey,
  faultsOf,
  focused,
  logIn,
  looksOf,
  startBrowser,
  type Visit,
  type Visitor,
} from "./testing.ts";

const { browser: executable } = await testServers();
const picture = join(import.meta.dir, "../../commerce/demo/pictures/mugs.jpg");

type Pool = {
  priority: string;
  target: number;
  processes: { draining: boolean }[];
  kinds: { kind: string; paused: boolean }[];
};

describe.skipIf(!executable)("the console", () => {
  let cluster: TestStack;
  let visitor: Visitor;
  let keys: { secret: string; ops: string };
  const visits: Visit[] = [];

  beforeAll(async () => {
    cluster = await startStack({
      TRADEWIND_DEMO: "on",
      TRADEWIND_FIRST_LIGHT: "on",
      TRADEWIND_API_NODES: "1",
      TRADEWIND_RATE_LIMIT_FACTOR: "100",
    });
    keys = cluster.stack().keys as typeof keys;
    visitor = await startBrowser(executable!, cluster);
  }, 90_000);
  afterAll(async () => {
    await visitor?.close();
    await cluster?.stop();
  }, 60_000);
  afterEach(async () => {
    const all = visits.splice(0);
    const complaints = all.flatMap(one => one.complaints);
    await Promise.all(all.map(one => one.close()));
    expect(complaints).toEqual([]);
  });

  async function visit(key?: string, role?: "Operate" | "View"): Promise<Visit> {
    const one = await visitor.visit();
    visits.push(one);
    if (key) await logIn(one, key, role);
    return one;
  }

  const pool = async (priority: string) => {
    const { pools } = await call<{ pools: Pool[] }>(cluster, "/ops/pools", { key: keys.ops });
    return pools.find(one => one.priority === priority)!;
  };

  test("an operator logs in with the keyboard alone, and the key is nowhere in the browser afterwards", async () => {
    const { page, open } = await visit();
    await open("/dead");
    await page.getByRole("heading", { name: "Console" }).waitFor();
    // The field has the focus already.
    await page.keyboard.type("op_00000000000000000000000000000000");
    await page.keyboard.press("Enter");
    await page.getByText("This key is unknown or has been revoked.").waitFor();
    expect(await page.getByLabel("Key", { exact: true }).getAttribute("aria-invalid")).toBe("true");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type(keys.ops);
    await page.keyboard.press("Enter");
    // One lands where one wanted to go.
    await page.getByRole("heading", { name: "Dead letters", level: 1 }).waitFor();
    const kept = await page.evaluate<string>(
      "document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)",
    );
    expect(kept).not.toContain(keys.ops);
    expect(await page.content()).not.toContain(keys.ops);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: "tradewind_console", httpOnly: true, sameSite: "Strict" });
  });

  test("the keyboard reaches the content, the menu and a dialog, and comes back from it", async () => {
    const { page } = await visit(keys.ops);
    await page.getByRole("heading", { name: "Overview", level: 1 }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("p");
    await page.getByRole("heading", { name: "Pools & kinds" }).waitFor();
    const scale = page.getByRole("button", { name: "Scale the pool low" });
    await scale.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Scale the pool low" });
    await dialog.waitFor();
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press("Tab");
      // The browser's own chrome may come between the last control and the first.
      const where = await page.evaluate(
        "document.activeElement.closest('dialog') !== null || document.activeElement === document.body",
      );
      expect(where).toBe(true);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(await focused(page)).toBe("Scale the pool low");
    await page.reload();
    await page.getByRole("heading", { name: "Pools & kinds" }).waitFor();
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Skip to the content");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
  });

  test("a pool is scaled, and one sees its processes come and go", async () => {
    const { page } = await visit(keys.ops);
    await page.getByRole("link", { name: "Pools & kinds" }).click();
    const low = page.getByRole("region", { name: "Low" });
    const scaleTo = async (processes: number) => {
      await low.getByRole("button", { name: /^Scale/ }).click();
      await page.getByLabel("Processes in the whole cluster").fill(String(processes));
      await page.getByRole("button", { name: "Scale", exact: true }).click();
      await low.getByText(`${processes} of ${processes} process`).waitFor();
    };
    await scaleTo(2);
    expect((await pool("low")).target).toBe(2);
    expect((await pool("low")).processes.filter(one => !one.draining)).toHaveLength(2);
    await low.getByText("2 processes", { exact: true }).click();
    await low.getByRole("table", { name: "Processes of the pool low" }).waitFor();
    await scaleTo(1);
    await page.getByRole("button", { name: "Scale the pool low" }).click();
    await page.getByRole("button", { name: "Let the autoscaler decide…" }).click();
    await page.getByLabel("Most processes").fill("0");
    await page.getByText("Not below the least.").waitFor();
    await page.getByLabel("Most processes").fill("3");
    await page.getByRole("button", { name: "Let the autoscaler decide" }).click();
    await low.getByText("automatic").waitFor();
    expect(await pool("low")).toMatchObject({ mode: "auto", ceiling: 3 });
    await page.getByRole("button", { name: "Scale the pool low" }).click();
    await page.getByLabel("Processes in the whole cluster").fill("1001");
    await page.getByText("A whole number from 0 to 1000.").waitFor();
  });

  test("a kind is paused after one was asked, and goes on; its cap is changed", async () => {
    const { page, open } = await visit(keys.ops);
    await open("/pools");
    const state = async () => (await pool("low")).kinds.find(one => one.kind === "drill.sleep.low");
    const row = page.getByRole("row", { name: /drill\.sleep\.low/ });
    await row.getByRole("button", { name: "Pause drill.sleep.low" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    expect((await state())!.paused).toBe(false);
    await row.getByRole("button", { name: "Pause drill.sleep.low" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await row.getByText("paused").waitFor();
    expect((await state())!.paused).toBe(true);
    await row.getByRole("button", { name: "Resume drill.sleep.low" }).click();
    await until(async () => !(await state())!.paused);
    await row.getByRole("button", { name: "Limits of drill.sleep.low" }).click();
    await page.getByLabel(/^Cap/).fill("7");
    await page.getByRole("button", { name: "Save" }).click();
    await row.getByText("7", { exact: true }).waitFor();
    expect(await state()).toMatchObject({ cap: 7 });
  });

  test("a sale is begun and ended with one button, and everybody is told that it is on", async () => {
    const { page, open } = await visit(keys.ops);
    await open("/pools");
    await page.getByRole("button", { name: "Begin a sale…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Begin the sale" }).click();
    await page.getByText(/A sale is on/).waitFor();
    await page
      .getByRole("row", { name: /image\.convert/ })
      .getByText("paused by the sale")
      .waitFor();
    await page.getByRole("button", { name: "End the sale" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End the sale" }).click();
    await page.getByText(/A sale is on/).waitFor({ state: "detached" });
    expect(await call<{ on: boolean }>(cluster, "/ops/sale", { key: keys.ops })).toMatchObject({ on: false });
  });

  test("a schedule is run by hand, and its tick is listed", async () => {
    const { page } = await visit(keys.ops);
    await page.getByRole("link", { name: "Schedules" }).click();
    await page.getByRole("table").getByRole("link").first().click();
    await page.getByRole("button", { name: /^Run now/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Run now" }).click();
    await page.getByRole("row", { name: /hand/ }).waitFor();
  });

  test("a dead letter is found, corrected and replayed, and its job is done then", async () => {
    await deadLetter(cluster, "drill:triage");
    const { page } = await visit(keys.ops);
    await page.getByRole("link", { name: /^Dead letters/ }).click();
    await page
      .getByRole("row", { name: /drill:triage/ })
      .getByRole("link")
      .click();
    await page.getByRole("heading", { name: "drill.fail.low" }).waitFor();
    const payload = page.getByLabel("Payload (JSON)");
    await payload.fill("{ permanent");
    await page.getByText(/This is no JSON/).waitFor();
    expect(await page.getByRole("button", { name: /^Replay/ }).isDisabled()).toBe(true);
    await payload.fill('{ "failures": -1 }');
    await page.getByRole("button", { name: "Replay with this payload" }).click();
    await page.getByText(/payload.*failures/).waitFor();
    await payload.fill('{ "failures": 0 }');
    await page.getByRole("button", { name: "Replay with this payload" }).click();
    await page.getByText("replayed", { exact: true }).waitFor();
    await page.locator("dt:text('Replayed as') + dd a").click();
    await page.getByText("Ended as done").waitFor();
    await page.getByRole("link", { name: "drill:triage" }).click();
    await page.getByRole("heading", { name: "Jobs" }).waitFor();
    await until(async () => (await page.getByRole("row", { name: /drill\.fail\.low/ }).count()) === 2);
  });

  test("a canary of a group goes first, and stops by itself when it dies again", async () => {
    await deadLetter(cluster, "drill:canary");
    await deadLetter(cluster, "drill:canary");
    const { page, open } = await visit(keys.ops);
    await open("/dead");
    await page
      .getByRole("region", { name: "By error" })
      .getByRole("button", { name: /^Canary/ })
      .first()
      .click();
    await page.getByRole("button", { name: "Start the canary" }).click();
    const canaries = page.getByRole("region", { name: "Canaries" });
    await canaries.getByText("stopped", { exact: true }).waitFor();
    await canaries.getByRole("link", { name: /^1: / }).click();
    await page.getByText("Ended as dead").waitFor();
  });

  test("all letters of one error are discarded with a reason", async () => {
    await deadLetter(cluster, "drill:one");
    const id = await deadLetter(cluster, "drill:two");
    const { page, open } = await visit(keys.ops);
    await open("/dead");
    const groups = page.getByRole("region", { name: "By error" });
    await groups
      .getByRole("button", { name: /^Discard/ })
      .first()
      .click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Discard all" }).click();
    expect(await dialog.isVisible()).toBe(true);
    await dialog.getByLabel("Reason").fill("only a drill");
    await dialog.getByRole("button", { name: "Discard all" }).click();
    await page.getByText("No dead letters").waitFor();
    const letter = await call(cluster, `/ops/dead/${encodeURIComponent(id)}`, { key: keys.ops });
    expect(letter).toMatchObject({ status: "discarded", settledNote: "only a drill" });
  });

  test("a merchant drops a photograph, sees how far it is, and then its variants", async () => {
    const { page } = await visit(keys.secret);
    await page.getByRole("link", { name: "Media" }).click();
    const bytes = Buffer.concat([Buffer.from(await Bun.file(picture).arrayBuffer()), Buffer.of(0)]);
    const files = await page.evaluateHandle(dropOf("dropped.jpg", "image/jpeg", bytes));
    await page
      .getByRole("region", { name: "Drop pictures here" })
      .dispatchEvent("drop", { dataTransfer: files });
    const upload = page.getByRole("region", { name: "Uploads" });
    await upload.getByText("dropped.jpg").waitFor();
    await upload.getByText(/^\d+ variants$/).waitFor();
    await upload.getByRole("link", { name: "dropped.jpg" }).click();
    await page.getByRole("heading", { name: "dropped.jpg" }).waitFor();
    const variants = page.getByRole("region", { name: "Variants" });
    // Three sizes in two formats beside the heading; the second format comes a little later.
    await variants.getByRole("row").nth(6).waitFor();
    const seen = "[...document.images].some(one => one.alt === 'dropped.jpg' && one.naturalWidth > 0)";
    await until(() => page.evaluate<boolean>(seen));
    await page.getByRole("link", { name: "← Media" }).click();
    await page.locator("input[type=file]").setInputFiles(import.meta.path);
    await upload.getByText(/no picture|not a picture|takes|can't/i).waitFor();
  });

  test("an upload whose connection is cut goes on by itself where it was", async () => {
    const visited = await visit(keys.secret);
    const { page } = visited;
    await page.getByRole("link", { name: "Media" }).click();
    const offsets: number[] = [];
    let away = true;
    await page.route("**/admin/media/uploads/*", (route, request) => {
      if (request.method() !== "PATCH") return route.continue();
      offsets.push(Number(request.headers()["upload-offset"]));
      return away && offsets.length > 1 ? route.abort("connectionreset") : route.continue();
    });
    // Sent in two pieces; bytes behind the end of a JPEG are not looked at.
    const buffer = Buffer.concat([
      Buffer.from(await Bun.file(picture).arrayBuffer()),
      Buffer.alloc(5_000_000),
    ]);
    await page.locator("input[type=file]").setInputFiles({ name: "cut.jpg", mimeType: "image/jpeg", buffer });
    const upload = page.getByRole("region", { name: "Uploads" });
    await upload.getByText(/the connection is lost/).waitFor();
    away = false;
    await upload.getByText(/^\d+ variants$/).waitFor({ timeout: 60_000 });
    expect(offsets[0]).toBe(0);
    expect(new Set(offsets.slice(1))).toEqual(new Set([4 * 1_024 * 1_024]));
    // The browser complains about each connection that was cut.
    visited.complaints.length = 0;
  }, 90_000);

  test("a picture that can't be made is tried again, and deleted", async () => {
    const { page } = await visit(keys.secret);
    await page.getByRole("link", { name: "Media" }).click();
    const whole = Buffer.from(await Bun.file(picture).arrayBuffer());
    const broken = { name: "broken.jpg", mimeType: "image/jpeg", buffer: whole.subarray(0, 20_000) };
    await page.locator("input[type=file]").setInputFiles(broken);
    const upload = page.getByRole("region", { name: "Uploads" });
    await upload.getByText("failed", { exact: true }).waitFor({ timeout: 60_000 });
    await upload.getByRole("link", { name: "broken.jpg" }).click();
    await page.getByText(/damaged/).waitFor();
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("It is being made again.").waitFor();
    await page.getByText(/damaged/).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("broken.jpg is deleted.").waitFor();
    await page.getByRole("heading", { name: "Media", level: 1 }).waitFor();
  }, 150_000);

  test("a size is declared, made of all pictures, and removed", async () => {
    const { page } = await visit(keys.secret);
    await page.getByRole("link", { name: "Media" }).click();
    await page.getByRole("link", { name: "Sizes" }).click();
    await page.getByRole("button", { name: "Declare a size…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Square!");
    await dialog.getByText(/Lower-case letters/).waitFor();
    await dialog.getByLabel("Name").fill("square");
    await dialog.getByLabel("Width").fill("200");
    await dialog.getByLabel("Height").fill("200");
    await dialog.getByRole("button", { name: "Declare" }).click();
    await page.getByRole("row", { name: /square.*200 × 200/ }).waitFor();
    await page.getByText(/pictures are in line with the sizes/).waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Remove square" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await page.getByText("No sizes of your own").waitFor();
  }, 120_000);

  test("an operator sets what a store may keep, and its merchant sees it", async () => {
    const { page } = await visit(keys.ops);
    await page.getByRole("link", { name: "Stores" }).click();
    const quota = async (gb: string) => {
      await page
        .getByRole("button", { name: /^Quota/ })
        .first()
        .click();
      await page.getByRole("dialog").getByRole("textbox").fill(gb);
      await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
    };
    await quota("7.5");
    await page.getByText("7.5 GB", { exact: true }).waitFor();
    const merchant = await visit(keys.secret);
    await merchant.page.getByRole("link", { name: "Media" }).click();
    await merchant.page.getByText(/ of 7\.5 GB$/).waitFor();
    await quota("");
    await page
      .getByText(/\(default\)/)
      .first()
      .waitFor();
  });

  test("a merchant sends a product file, and sees what became of it and what was wrong with which row", async () => {
    const { page } = await visit(keys.secret);
    await page.getByRole("link", { name: "Imports" }).click();
    const csv = "Handle,Title,Variant SKU,Variant Price\nkettle,Kettle,KET-1,39.00\npot,Pot,POT-1,cheap\n";
    const file = { name: "kettles.csv", mimeType: "text/csv", buffer: Buffer.from(csv) };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByRole("heading", { name: "kettles.csv" }).waitFor();
    await page.getByText("done", { exact: true }).waitFor();
    await page.getByText(/^2 rows read, \d products?, /).waitFor();
    await page.getByRole("row", { name: /Row 3.*Variant Price/ }).waitFor();
  });

  test("a merchant finds an order and sees no operator's view; an operator's key adds them", async () => {
    const { page, open } = await visit(keys.secret);
    await page.getByRole("heading", { name: "Orders", level: 1 }).waitFor();
    expect(await page.getByRole("link", { name: "Pools & kinds" }).count()).toBe(0);
    await page.getByRole("link", { name: "Figures" }).click();
    await page.getByRole("img", { name: /^Orders by day, EUR, today: orders [1-9]/ }).waitFor();
    await page.getByRole("region", { name: "Best sellers" }).getByRole("row").nth(1).waitFor();
    await open("/pools");
    await page.getByText("This page wants an ops key").waitFor();
    await page.getByRole("button", { name: "Add a key" }).click();
    await enterKey(page, keys.ops);
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("link", { name: "Products" }).click();
    await page.getByRole("searchbox").fill("lantern");
    await page.keyboard.press("Enter");
    await page
      .getByRole("link", { name: /lantern/i })
      .first()
      .click();
    await page.getByRole("region", { name: "Variants" }).waitFor();
  });

  test.each(["ops", "admin"] as const)("everybody can read and use the views of /%s", async area => {
    const { page, open } = await visit();
    await open("/");
    await page.getByRole("button", { name: "Log in" }).waitFor();
    const faults = area === "ops" ? await faultsOf(page, "log in") : [];
    await enterKey(page, area === "ops" ? keys.ops : keys.secret);
    for (const path of await addresses(cluster, area)) faults.push(...(await looksOf(page, path)));
    expect(faults).toEqual([]);
  });

  test("a caught mail is previewed in a frame that can run and load nothing", async () => {
    const { page, open } = await visit(keys.ops);
    await open("/mailbox");
    await page.getByRole("link", { name: /^Your order/ }).click();
    const frame = page.frameLocator("iframe[title='Preview of the mail']");
    await frame.getByRole("heading").first().waitFor();
    const src = await page.locator("iframe").getAttribute("src");
    const answer = await page.request.get(src!);
    expect(answer.headers()["content-security-policy"]).toContain("sandbox");
    expect(answer.headers()["content-security-policy"]).toContain("default-src 'none'");
    await page.getByRole("tab", { name: "Preview" }).press("ArrowRight");
    await page.getByRole("tab", { name: "Text", selected: true }).waitFor();
    await page.getByRole("tabpanel").getByText(/Order/).waitFor();
  });

  test("who only looks finds every lever greyed out", async () => {
    const { page } = await visit(keys.ops, "View");
    await page.getByRole("link", { name: "Pools & kinds" }).click();
    await page.getByRole("button", { name: "Scale the pool high" }).waitFor();
    for (const button of await page.getByRole("button", { name: /^(Scale|Pause|Limits)/ }).all()) {
      expect(await button.isDisabled()).toBe(true);
    }
  });

  test("when its node dies the page says so, keeps its session, and goes on by itself", async () => {
    const one = await visit(keys.ops);
    const live = one.page.getByRole("navigation", { name: "Console" }).getByRole("status");
    await live.getByText("Live").waitFor();
    const gone = live.getByText("Connecting…").waitFor();
    await cluster.kill("api-1");
    await gone;
    await live.getByText("Live").waitFor();
    await one.page.getByRole("link", { name: "Jobs" }).click();
    await one.page.getByRole("heading", { name: "Jobs", level: 1 }).waitFor();
    // The browser complains about each connection that was refused meanwhile.
    one.complaints.length = 0;
  });

  test("leaving ends the session here and in every other tab", async () => {
    const { page } = await visit(keys.ops);
    const other = await page.context().newPage();
    await other.goto("/console/overview");
    await other.getByRole("heading", { name: "Overview" }).waitFor();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await other.getByRole("button", { name: "Log in" }).waitFor();
    expect((await page.context().cookies()).length).toBe(0);
  });
});
