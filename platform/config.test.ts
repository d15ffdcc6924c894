import { expect, test } from "bun:test";
import { ConfigError, loadConfig } from "./config.ts";

test("trusted proxies are addresses and networks, and anything else is refused by name", () => {
  const load = (raw: string) => loadConfig({ TRADEWIND_TRUSTED_PROXIES: raw }).trustedProxies;
  expect(load("10.0.0.0/8, ::1 ,2001:db8::/32")).toEqual(["10.0.0.0/8", "::1", "2001:db8::/32"]);
  expect(load("")).toEqual([]);
  for (const bad of ["localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.1/8/8", "*", "10.0.0.1,", "::1/129"]) {
    expect(() => load(bad)).toThrow(ConfigError);
    expect(() => load(bad)).toThrow(/^TRADEWIND_TRUSTED_PROXIES /);
  }
});
