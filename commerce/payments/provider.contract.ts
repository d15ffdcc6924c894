/** What every payment provider has to keep, as one suite: call it from a test with a way to make the provider. */
import { describe, expect, test } from "bun:test";
import { newId } from "../../platform/ids.ts";
import { type Intent, type PaymentProvider, PaymentUnanswered } from "./provider.ts";

export type ProviderUnderTest = {
  provider(): PaymentProvider;
  /** Tokens that make the provider behave so. */
  tokens: { ok: string; declined: string; lostAnswer: string };
};

function someIntent(): Intent {
  return { storeId: newId("store"), intentId: newId("pay"), amountMinor: 1_999, currency: "EUR" };
}

const patience = () => AbortSignal.timeout(5_000);

export function describeProvider(name: string, { provider, tokens }: ProviderUnderTest): void {
  async function captured(): Promise<Intent> {
    const intent = someIntent();
    await provider().authorise(intent, tokens.ok, patience());
    await provider().capture(intent);
    return intent;
  }

  describe(`payment provider ${name}`, () => {
    test("authorises, and its books say so", async () => {
      const intent = someIntent();
      expect(await provider().lookup(intent)).toBe("unknown");
      expect(await provider().authorise(intent, tokens.ok, patience())).toBe("authorised");
      expect(await provider().lookup(intent)).toBe("authorised");
    });

    test("declines, and a repetition with a better token changes nothing", async () => {
      const intent = someIntent();
      expect(await provider().authorise(intent, tokens.declined, patience())).toBe("declined");
      expect(await provider().authorise(intent, tokens.ok, patience())).toBe("declined");
      expect(await provider().lookup(intent)).toBe("declined");
    });

    test("takes an intent once, however many ask at the same time", async () => {
      const intent = someIntent();
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          provider().authorise(intent, i % 2 ? tokens.ok : tokens.declined, patience()),
        ),
      );
      expect(new Set(answers).size).toBe(1);
    });

    test("a lost answer is told by lookup, and authorising again does not charge again", async () => {
      const intent = someIntent();
      const lost = provider().authorise(intent, tokens.lostAnswer, patience());
      expect(lost).rejects.toBeInstanceOf(PaymentUnanswered);
      await lost.catch(() => {});
      expect(await provider().lookup(intent)).toBe("authorised");
      expect(await provider().authorise(intent, tokens.ok, patience())).toBe("authorised");
    });

    test("gives up waiting when the caller does", async () => {
      const startedAt = performance.now();
      await provider()
        .authorise(someIntent(), tokens.lostAnswer, AbortSignal.abort())
        .catch(() => {});
      expect(performance.now() - startedAt).toBeLessThan(900);
    });

    test("a voided authorisation no longer stands; voiding twice is fine", async () => {
      const intent = someIntent();
      await provider().authorise(intent, tokens.ok, patience());
      expect(await provider().void(intent)).toBe("voided");
      expect(await provider().void(intent)).toBe("voided");
      expect(await provider().capture(intent)).toBe("voided");
    });

    test("an authorisation that comes after the void comes to nothing", async () => {
      const intent = someIntent();
      await provider().void(intent);
      expect(await provider().authorise(intent, tokens.ok, patience())).toBe("voided");
      expect(await provider().lookup(intent)).toBe("voided");
    });

    test("captures once what is authorised", async () => {
      const intent = someIntent();
      await provider().authorise(intent, tokens.ok, patience());
      expect(await provider().capture(intent)).toBe("captured");
      expect(await provider().capture(intent)).toBe("captured");
      expect(await provider().lookup(intent)).toBe("captured");
    });

    test("refunds once an id, however many ask at the same time", async () => {
      const intent = await captured();
      const refund = { ...intent, refundId: newId("ref"), amountMinor: 700 };
      const answers = await Promise.all(Array.from({ length: 6 }, () => provider().refund(refund)));
      expect(new Set(answers)).toEqual(new Set(["refunded"]));
      expect(await provider().refund({ ...intent, refundId: newId("ref"), amountMinor: 1_299 })).toBe(
        "refunded",
      );
    });

    test("refunds no more than was captured, also at the same time, and a refusal is final", async () => {
      const intent = await captured();
      const refunds = Array.from({ length: 3 }, () => ({
        ...intent,
        refundId: newId("ref"),
        amountMinor: 1_000,
      }));
      const answers = await Promise.all(refunds.map(refund => provider().refund(refund)));
      expect(answers.toSorted()).toEqual(["refunded", "refused", "refused"]);
      expect(await Promise.all(refunds.map(refund => provider().refund(refund)))).toEqual(answers);
    });

    test("refunds nothing that was not captured", async () => {
      const intent = someIntent();
      await provider().authorise(intent, tokens.ok, patience());
      expect(await provider().refund({ ...intent, refundId: newId("ref") })).toBe("refused");
    });
  });
}
