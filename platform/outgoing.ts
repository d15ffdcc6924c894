/**
 * Calls to addresses that people have typed in (webhooks). The name is resolved here, every address it has is judged, and
 * the connection goes to one of those judged addresses: an answer that changes between the check and the call (DNS
 * rebinding) changes nothing. Redirects are not followed.
 */
import { lookup } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import { BlockList, isIP } from "node:net";

export class OutgoingRefused extends Error {
  override name = "OutgoingRefused";
}

/** Not on the public internet: the IANA special-purpose registries of IPv4 and IPv6 (RFC 6890 and its successors). */
const special = new BlockList();
for (const [network, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const)
  special.addSubnet(network, bits, "ipv4");
for (const [network, bits] of [
  ["::", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["ff00::", 8],
] as const)
  special.addSubnet(network, bits, "ipv6");

/** Whether an address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return isPublicAddress(mapped);
  const family = isIP(address);
  if (family === 0) return false;
  // ::ffff:7f00:1 and the like: mapped addresses in the other notation.
  if (/^(?:0*:)*:?ffff:/i.test(address)) return false;
  return !special.check(address, family === 4 ? "ipv4" : "ipv6");
}

type Resolve = (hostname: string) => Promise<{ address: string; family: number }[]>;
const resolveName: Resolve = hostname => lookup(hostname, { all: true });

export type OutgoingOptions = { timeoutMs: number; allowPrivate: boolean; resolve?: Resolve };

/** Posts JSON and gives the status of the answer. @throws OutgoingRefused for an address that may not be called. */
export async function postJson(target: string, body: unknown, options: OutgoingOptions): Promise<number> {
  const url = new URL(target);
  const client = url.protocol === "https:" ? https : http;
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new OutgoingRefused(`${url.protocol} is not called`);
  const hostname = url.hostname.replaceAll(/^\[|\]$/g, "");
  const addresses = await (options.resolve ?? resolveName)(hostname);
  const barred = options.allowPrivate ? undefined : addresses.find(one => !isPublicAddress(one.address));
  if (barred) throw new OutgoingRefused(`${hostname} is at ${barred.address}, which is no public address`);
  const [chosen] = addresses;
  if (!chosen) throw new OutgoingRefused(`${hostname} has no address`);
  return new Promise((resolve, reject) => {
    const request = client.request(
      url,
      {
        method: "POST",
        headers: { "content-type": "application/json", "user-agent": "tradewind" },
        timeout: options.timeoutMs,
        lookup: (_name, { all }, done) =>
          all ? done(null, [chosen]) : done(null, chosen.address, chosen.family),
      },
      answer => {
        answer.resume();
        answer.once("end", () => resolve(answer.statusCode ?? 0));
        answer.once("error", reject);
      },
    );
    const late = setTimeout(() => request.destroy(new Error("no answer in time")), options.timeoutMs);
    request.once("error", reject).once("close", () => clearTimeout(late));
    request.end(JSON.stringify(body));
  });
}
