/** Who is here: what GET /console/session says. */

import { ask } from "./api.ts";
import { signal } from "./signal.ts";

export type Role = "view" | "operate";
type Part = { keyId: string; name: string; role: Role };
export type Session = {
  ops: Part | null;
  store: (Part & { storeId: string; storeName: string; currency: string }) | null;
  expiresAt: string;
};

/** undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);

export async function loadSession(): Promise<void> {
  session.set(await ask<Session>("/console/session").catch(() => null));
}

export async function enter(key: string, role: Role): Promise<Session> {
  const opened = await ask<Session>("/console/session", { method: "POST", json: { key, role } });
  session.set(opened);
  return opened;
}

export async function leave(): Promise<void> {
  await ask("/console/session", { method: "DELETE" });
  session.set(null);
}

/** Whether changes are allowed in these views; the API decides, this only greys out what it would refuse. */
export function mayOperate(area: "ops" | "store"): boolean {
  return session.get()?.[area]?.role === "operate";
}
