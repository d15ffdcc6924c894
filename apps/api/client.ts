/**
 * The typed client (Eden treaty): routes, bodies and answers checked by TypeScript against this very server.
 *
 *   const shop = storefrontClient("https://shop.example", { publishableKey: "pk_…" });
 *   const { data, error } = await shop.store.products({ idOrHandle: "linen-shirt" }).get();
 *
 * Only types come from the routes: a program that imports this runs none of the server. `error.value` is a problem
 * document (RFC 9457).
 */
import { treaty } from "@elysiajs/eden";
import type { backOfficeRoutes, storefrontRoutes } from "./routes/typed.ts";

export type Storefront = ReturnType<typeof storefrontRoutes>;
export type BackOffice = ReturnType<typeof backOfficeRoutes>;

type Target = string | { handle(request: Request): Promise<Response> };

/** `target`: an origin, or an application in this process. */
export function storefrontClient(
  target: Target,
  options: { publishableKey: string; headers?: Record<string, string> },
) {
  const headers = { "x-publishable-key": options.publishableKey, ...options.headers };
  return treaty<Storefront>(target as never, { headers });
}

/** Keep the secret key on a server. */
export function backOfficeClient(
  target: Target,
  options: { secretKey: string; headers?: Record<string, string> },
) {
  const headers = { authorization: `Bearer ${options.secretKey}`, ...options.headers };
  return treaty<BackOffice>(target as never, { headers });
}
