import { expect, test } from "bun:test";
import { createClientIp, networkOf } from "./client-ip.ts";

test("without trusted proxies the peer is the client, whatever headers say", () => {
  const ip = createClientIp([]);
  expect(ip("203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
  expect(ip("::ffff:203.0.113.9", null)).toBe("203.0.113.9");
  expect(ip(undefined, "198.51.100.1")).toBe("unknown");
});

test("trusted proxies are believed, from the nearest hop to the first that is none of them", () => {
  const ip = createClientIp(["10.0.0.0/8", "127.0.0.1", "2001:db8::/32"]);
  expect(ip("127.0.0.1", "198.51.100.1")).toBe("198.51.100.1");
  expect(ip("10.1.2.3", "198.51.100.1, 10.9.9.9")).toBe("198.51.100.1");
  expect(ip("::ffff:10.1.2.3", "203.0.113.7")).toBe("203.0.113.7");
  expect(ip("2001:db8::1", "2001:db9::7, 127.0.0.1")).toBe("2001:db9::7");
  // What a client wrote itself stands left of what our proxy saw.
  expect(ip("10.1.2.3", "1.1.1.1, 198.51.100.1")).toBe("198.51.100.1");
  expect(ip("198.51.100.1", "1.1.1.1")).toBe("198.51.100.1");
  expect(ip("10.1.2.3", null)).toBe("10.1.2.3");
});

test("ports and brackets are dropped; rubbish ends the chain", () => {
  const ip = createClientIp(["10.0.0.0/8"]);
  expect(ip("10.0.0.1", "198.51.100.1:4711")).toBe("198.51.100.1");
  expect(ip("10.0.0.1", "[2001:DB9::7]:443")).toBe("2001:db9::7");
  for (const rubbish of ["", ",", "unknown", "999.1.1.1", "<script>", "x".repeat(100_000)]) {
    expect(ip("10.0.0.1", rubbish)).toBe("10.0.0.1");
  }
  expect(ip("10.0.0.1", Array(10_000).fill("10.0.0.2").join(","))).toBe("10.0.0.2");
});

test("an IPv6 network of /64 is one client", () => {
  expect(networkOf("203.0.113.9")).toBe("203.0.113.9");
  expect(networkOf("2001:db8:1:2:3:4:5:6")).toBe("2001:db8:1:2::/64");
  expect(networkOf("2001:db8:1:2::1")).toBe("2001:db8:1:2::/64");
  expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
  expect(networkOf("::1")).toBe("0:0:0:0::/64");
  expect(networkOf("fe80::1%eth0")).toBe("fe80:0:0:0::/64");
  expect(networkOf("unknown")).toBe("unknown");
});
