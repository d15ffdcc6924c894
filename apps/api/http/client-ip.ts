/**
 * The address of who asks. X-Forwarded-For is a header like any other: it is believed only as far as trusted proxies
 * have written it, so it is read from its end (the nearest hop) to the first address that is not a trusted proxy's.
 */
import { BlockList, isIP } from "node:net";

export type ClientIp = (peer: string | undefined, forwardedFor: string | null) => string;

/** More hops than any real chain has. */
const MAX_HOPS = 20;

/** IPv4 that came in over an IPv6 socket is the same address; a port or brackets that proxies add are dropped. */
function plain(address: string): string {
  const bare = address
    .trim()
    .replace(/^\[([^\]]+)\](:\d+)?$/, "$1")
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
  return bare.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
}

/** `trusted`: addresses and networks (CIDR). Without any the peer is the client. */
export function createClientIp(trusted: readonly string[]): ClientIp {
  const list = new BlockList();
  for (const one of trusted) {
    const [address = "", bits] = one.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  const isTrusted = (ip: string) => isIP(ip) !== 0 && list.check(ip, isIP(ip) === 6 ? "ipv6" : "ipv4");

  return (peer, forwardedFor) => {
    let client = peer === undefined ? "unknown" : plain(peer);
    if (forwardedFor === null) return client;
    for (const hop of forwardedFor.split(",").slice(-MAX_HOPS).toReversed()) {
      if (!isTrusted(client)) return client;
      const before = plain(hop);
      if (isIP(before) === 0) return client;
      client = before;
    }
    return client;
  };
}

/** Who counts as one: an IPv6 household has a whole /64 to ask from. */
export function networkOf(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const [head = "", tail] = ip.replace(/%.*$/, "").split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(8 - left.length - right.length, 0);
  const groups = [...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 4);
  return `${groups.map(group => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
