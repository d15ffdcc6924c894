/** Who is here: what GET /console/session says. */

import { type ApiError, ask } from "./api.ts";
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

/** What went wrong when nobody could be asked. */
export const trouble = signal<string | null>(null);

const AGAIN_MS = 2_000;

/** Asks who is here. Only a server that says "nobody" ends a session here; one that is away is asked again. */
export async function loadSession(): Promise<void> {
  try {
    session.set(await ask<Session>("/console/session"));
    trouble.set(null);
  } catch (error) {
    if ((error as ApiError).status === 401) {
      trouble.set(null);
      session.set(null);
      return;
    }
    trouble.set((error as Error).message);
    setTimeout(loadSession, AGAIN_MS);
  }
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
