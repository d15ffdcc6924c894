import { expect, test } from "bun:test";
import { ConfigError } from "../../platform/config.ts";
import { findChromium } from "./browser.ts";

test("a browser that is named is the one, and one that is not there is refused by name", () => {
  expect(findChromium(process.execPath)).toBe(process.execPath);
  expect(() => findChromium("/nowhere/chromium")).toThrow(ConfigError);
  expect(() => findChromium("/nowhere/chromium")).toThrow("CHROMIUM_BIN names /nowhere/chromium");
});
