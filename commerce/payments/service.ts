import type { Log } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import type { PaymentProvider, Providers } from "./provider.ts";
import { lazyProvider } from "./providers/lazy.ts";
import { testProvider } from "./providers/test.ts";
import { markVoided, takeVoiding } from "./store.ts";

const VOID_BATCH = 100;

export type ProviderSettings = {
  readonly stripeSecretKey?: string | undefined;
  readonly stripeApiHost?: string | undefined;
};

/** The providers of this deployment: `test`, and `stripe` where it has a key. */
export function openProviders(sql: Db, settings: ProviderSettings = {}): Providers {
  const { stripeSecretKey: secretKey, stripeApiHost: apiHost } = settings;
  return {
    test: testProvider(sql),
    ...(secretKey && { stripe: lazyProvider("stripe", () => loadStripe(sql, { secretKey, apiHost })) }),
  };
}

async function loadStripe(
  sql: Db,
  options: { secretKey: string; apiHost?: string | undefined },
): Promise<PaymentProvider> {
  const { stripeProvider } = await import("./providers/stripe.ts");
  return stripeProvider(sql, options);
}

/** @throws Error for a name that no provider of this process has: a defect, as routes accept known names only. */
export function providerNamed(providers: Providers, name: string): PaymentProvider {
  const provider = providers[name];
  if (!provider) throw new Error(`no payment provider is called ${name}`);
  return provider;
}

/** Keeps the promise of an intent in `voiding`. Repeatable. @throws what the provider throws; a sweep tries again. */
export async function voidIntent(
  deps: { sql: Db; providers: Providers },
  intent: { storeId: string; intentId: string; provider: string },
): Promise<void> {
  await providerNamed(deps.providers, intent.provider).void(intent);
  await markVoided(deps.sql, intent);
}

/** Voids what was promised `afterMs` ago or earlier and not done; returns how many. For keepers. */
export async function voidPending(
  deps: { sql: Db; providers: Providers; log: Log },
  afterMs: number,
): Promise<number> {
  let voided = 0;
  for (const intent of await takeVoiding(deps.sql, afterMs, VOID_BATCH)) {
    try {
      await voidIntent(deps, intent);
      voided++;
    } catch (error) {
      deps.log.warn({ err: error, intentId: intent.intentId }, "an authorisation could not be voided yet");
    }
  }
  return voided;
}
