/** W3C Trace Context (https://www.w3.org/TR/trace-context/): `00-<32 hex trace id>-<16 hex span id>-<2 hex flags>`. */
const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function hex(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}

export function newTraceparent(): string {
  return `00-${hex(16)}-${hex(8)}-01`;
}

/** The same trace with a span id of its own; a fresh trace when `parent` is missing or malformed. */
export function childTraceparent(parent: string | null | undefined): string {
  const match = parent ? pattern.exec(parent) : null;
  if (!match || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return newTraceparent();
  return `00-${match[1]}-${hex(8)}-${match[3]}`;
}

export function traceId(traceparent: string): string {
  return pattern.exec(traceparent)?.[1] ?? "";
}
