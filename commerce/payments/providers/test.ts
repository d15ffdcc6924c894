/**
 * The provider `test`: a company outside, played by a table. Its statements run on connections of their own and never in
 * a transaction of ours, so that its books say what it did also when we crashed.
 *
 * Tokens: `ok` is authorised; `decline` is declined; `timeout` is authorised, but the answer gets lost on the way, which
 * is the case that tells apart who asks afterwards and who charges twice; `later` is authorised, and a webhook tells so
 * after a moment.
 */
import { outboxRows } from "../../../bus/index.ts";
import { grouped } from "../../../platform/grouped.ts";
import { type Db, isRefusedStatement } from "../../../platform/postgres/index.ts";
import { type Intent, type PaymentProvider, type PaymentResult, PaymentUnanswered } from "../provider.ts";
import * as books from "../store.ts";

export type TestProviderOptions = {
  /** How long a lost answer is waited for; default 1,000. */
  silenceMs?: number;
  /** When the webhook of `later` comes; default 500. */
  laterMs?: number;
};

function silence(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
    if (signal.aborted) resolve();
  });
}

/** The webhook of a company that has nobody to call: its event is received as if it had come by HTTP, a little later. */
async function tellLater(sql: Db, { storeId, intentId }: Intent, delayMs: number): Promise<void> {
  const event = { provider: "test", id: `evt_${intentId}`, type: "authorised", storeId, intentId };
  const rows = outboxRows({ storeId }, [{ type: "payment.heard", intentId }]);
  await books.receiveEvent(
    sql,
    event,
    rows.map(row => ({ ...row, delay_ms: delayMs })),
  );
}

export function testProvider(sql: Db, options: TestProviderOptions = {}): PaymentProvider {
  const name = "test";
  // A company outside has its own computers: its part of a checkout should cost ours as little as it can.
  const openCharge = grouped<books.Charge, PaymentResult>({
    run: charges => books.openCharges(sql, charges),
    max: 256,
    lanes: 1,
    isDefinite: isRefusedStatement,
  });
  return {
    name,
    async authorise(intent, token, signal) {
      const wanted: PaymentResult = token === "decline" ? "declined" : "authorised";
      const { storeId, intentId, amountMinor, currency } = intent;
      const state = await openCharge({ storeId, intentId, amountMinor, currency, wanted });
      if (token === "later") {
        await tellLater(sql, intent, options.laterMs ?? 500);
        throw new PaymentUnanswered(name);
      }
      if (token === "timeout") {
        await silence(options.silenceMs ?? 1_000, signal);
        throw new PaymentUnanswered(name);
      }
      return state;
    },
    capture: intent => books.captureCharge(sql, intent),
    refund: refund => books.refundCharge(sql, refund),
    void: intent => books.voidCharge(sql, intent),
    lookup: intent => books.chargeState(sql, intent),
  };
}
