/** One step of a trace, finished. Ids are those of W3C Trace Context: 32 and 16 hex digits. */
export type Span = {
  name: string;
  kind: "server" | "client" | "producer" | "consumer";
  traceId: string;
  spanId: string;
  parentSpanId?: string | undefined;
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number | boolean>;
  /** Why it failed; absent: it did not. */
  error?: string | undefined;
};

const pattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The ids of a traceparent; null for what is none, and for a trace that its caller does not record. */
export function idsOf(traceparent: string | null | undefined): { traceId: string; spanId: string } | null {
  const match = traceparent ? pattern.exec(traceparent) : null;
  if (!match || (Number.parseInt(match[3]!, 16) & 1) === 0) return null;
  return { traceId: match[1]!, spanId: match[2]! };
}

export function newSpanId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
}

/** The same id for the same words, so that two processes name one step without telling each other. */
export function derivedSpanId(...words: readonly (string | number)[]): string {
  return new Bun.CryptoHasher("sha256").update(words.join(" ")).digest("hex").slice(0, 16);
}
