/** The decoder of jobs against messages that no process of ours would send. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { headers } from "nats";
import { contracts } from "./contracts/index.ts";
import { decode, encode, envelopeOf, MalformedMessage, OtherKind } from "./envelope.ts";
import { subjectOf } from "./topology.ts";
import { NewerVersion } from "./upcast.ts";

const word = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 30 }),
  fc.constantFrom(
    "",
    "0",
    "-1",
    "1e9",
    "NaN",
    "Infinity",
    "99999999999999999999",
    "%",
    "%C3%28",
    "u",
    "__proto__",
  ),
);

/** What NATS takes as a header's value. */
const isHeader = (text: string) => !/[\r\n\0]/.test(text);

const contract = fc.constantFrom(...contracts);

type Raw = { subject: string; headers: ReturnType<typeof headers>; string(): string };

/** A job, or one of the errors that say why it is none. */
function read(one: (typeof contracts)[number], message: Raw) {
  try {
    return decode(one, message);
  } catch (error) {
    if (error instanceof MalformedMessage || error instanceof NewerVersion || error instanceof OtherKind)
      return error;
    throw error;
  }
}

function message(subject: string, envelope: string | null, trace: string, body: string): Raw {
  const hdrs = headers();
  if (envelope !== null) hdrs.set("Tw-Job", envelope);
  hdrs.set("traceparent", trace);
  return { subject, headers: hdrs, string: () => body };
}

test("a message of any envelope and body is a job or malformed, and what can be said of it is harmless", () => {
  const envelope = fc.option(
    fc
      .array(word, { maxLength: 8 })
      .map(words => words.join(" "))
      .filter(isHeader),
  );
  const body = fc.oneof(
    word,
    fc.json({ maxDepth: 4 }),
    fc.constantFrom("{", "null", "[]", '{"__proto__":{"a":1}}'),
  );
  fc.assert(
    fc.property(contract, word, envelope, word.filter(isHeader), body, (one, store, head, trace, text) => {
      const raw = message(subjectOf({ ...one, storeId: store }), head, trace, text);
      expect(read(one, raw)).toBeObject();
      const said = envelopeOf(one, raw);
      expect(said.key).not.toContain("\0");
      expect(said.queuedAtMs).toBeWithin(1, Date.UTC(9999, 0) + 1);
      for (const number of [said.attempt, said.version])
        expect(Number.isNaN(number) || Math.abs(number) < 2 ** 31).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test("a good message whose bytes were changed is a job or malformed", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 1, max: 255 }), inBody: fc.boolean() });
  const changed = (text: string, at: number, byte: number) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes.toString();
  };
  fc.assert(
    fc.property(
      contract,
      fc.object({ maxDepth: 2 }),
      fc.array(change, { maxLength: 4 }),
      (one, payload, changes) => {
        const job = { id: Bun.randomUUIDv7(), kind: one.kind, version: one.version, priority: one.priority };
        const rest = {
          storeId: "store_a",
          key: "some:key",
          attempt: 1,
          traceparent: "",
          queuedAtMs: Date.now(),
          payload,
        };
        const good = encode({ ...job, ...rest });
        let [head, body] = [good.headers.get("Tw-Job"), good.data];
        for (const { at, byte, inBody } of changes) {
          if (inBody) body = changed(body, at, byte);
          else head = changed(head, at, byte);
        }
        if (!isHeader(head)) return;
        expect(read(one, message(good.subject, head, "", body))).toBeObject();
      },
    ),
    { numRuns: 2_000 },
  );
});

test("a message is read by the contract of its subject alone, and tells others where it belongs", () => {
  fc.assert(
    fc.property(contract, contract, (one, other) => {
      const head = `${Bun.randomUUIDv7()} 1 ${one.version} ${Date.now()} key`;
      const job = read(one, message(subjectOf({ ...other, storeId: "store_a" }), head, "", "{}"));
      if (one.kind === other.kind) expect(job).not.toBeInstanceOf(OtherKind);
      else expect(job).toMatchObject({ belongsTo: { priority: other.priority, kind: other.kind } });
    }),
  );
  for (const subject of ["", ".", "low.a.b"]) {
    const raw = message(subject, null, "", "{}");
    expect(read(contracts[0]!, raw)).toBeInstanceOf(OtherKind);
  }
});

test("a payload of great depth or size is told as malformed", () => {
  const bodies = [
    "[".repeat(1_000_000),
    `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`,
    `"${"x".repeat(1_000_000)}"`,
  ];
  for (const one of contracts.slice(0, 5)) {
    for (const body of bodies) {
      const head = `${Bun.randomUUIDv7()} 1 ${one.version} ${Date.now()} key`;
      expect(read(one, message(subjectOf({ ...one, storeId: "a" }), head, "", body))).toBeInstanceOf(
        MalformedMessage,
      );
    }
  }
});
