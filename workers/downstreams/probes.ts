/** How each downstream is asked whether it works: the least that a job would need of it. */
import type { Downstream } from "../../bus/index.ts";
import type { Config } from "../../platform/config.ts";
import { openStorage } from "../../platform/storage/index.ts";

/** Resolves when it works. @throws what is wrong with it */
export type Probe = (signal: AbortSignal) => Promise<unknown>;
export type Probed = Downstream | "postgres";
export type Probes = Partial<Record<Probed, Probe>>;

const STRIPE_API = "https://api.stripe.com";
const SMTP_MS = 3_500;

/** Of what is configured; what is not can't be away. */
export function probesOf(config: Config): Probes {
  const { smtpUrl, meiliUrl, stripeSecretKey, stripeApiHost } = config;
  return {
    ...(smtpUrl && { smtp: () => greets(smtpUrl) }),
    ...(meiliUrl && { search: signal => answers(new URL("/health", meiliUrl), signal) }),
    ...(stripeSecretKey && { payments: signal => answers(new URL(stripeApiHost ?? STRIPE_API), signal) }),
    storage: () => openStorage(config).probe(),
  };
}

/** Greeting, TLS and log-in, as for a mail. */
async function greets(url: string): Promise<void> {
  const { default: nodemailer } = await import("nodemailer");
  const transport = nodemailer.createTransport({
    url,
    connectionTimeout: SMTP_MS,
    greetingTimeout: SMTP_MS,
    socketTimeout: SMTP_MS,
    dnsTimeout: SMTP_MS,
  } as Parameters<typeof nodemailer.createTransport>[0]);
  try {
    await transport.verify();
  } finally {
    transport.close();
  }
}

/** Any answer will do that is no fault of the server: a partner's front page may well be a 404. */
async function answers(url: URL, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { signal, redirect: "manual" });
  await response.body?.cancel();
  if (response.status >= 500) throw new Error(`status ${response.status}`);
}
