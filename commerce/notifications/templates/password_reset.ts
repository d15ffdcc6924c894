import type { Content } from "../model.ts";
import { html } from "./html.ts";

export type PasswordResetFacts = { shop: string; token: string; expiresAt: Date; link?: string | undefined };

/** "14:05 UTC": the mail is read within half an hour or in vain. */
const clockTime = (at: Date) => `${at.toISOString().slice(11, 16)} UTC`;

/** A subject is one line, whatever a store is called. */
const oneLine = (text: string) => text.replaceAll(/\s+/g, " ").slice(0, 120);

export function passwordReset({ shop, token, expiresAt, link }: PasswordResetFacts): Content {
  const until = clockTime(expiresAt);
  const how = link
    ? `Open this page to choose a new one:\n${link}`
    : `Use this code to choose a new one:\n${token}`;
  const button = link
    ? html`<p><a href="${link}">Choose a new password</a></p>`
    : html`<p>Use this code to choose a new one: <code>${token}</code></p>`;
  return {
    subject: `Your password at ${oneLine(shop)}`,
    text: [
      `Somebody, probably you, asked for a new password at ${shop}.`,
      how,
      `It works once, until ${until}. If you did not ask for it, there is nothing to do: your password stays as it is.`,
    ].join("\n\n"),
    html: html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Your password at ${shop}</title></head>
<body style="font-family: system-ui, sans-serif; max-width: 40em; margin: auto">
<h1>Your password at ${shop}</h1>
<p>Somebody, probably you, asked for a new password.</p>
${button}
<p>It works once, until ${until}. If you did not ask for it, there is nothing to do: your password stays as it is.</p>
</body></html>`.html,
  };
}
