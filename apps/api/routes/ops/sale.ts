/** The switch for a sale that everybody comes to: what can wait waits, what can't finds room. */
import { Elysia, t } from "elysia";
import type { ApiDeps } from "../../deps.ts";
import { opsAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";

const saleView = t.Object(
  { on: t.Boolean(), since: t.Nullable(t.String({ format: "date-time" })) },
  { examples: [{ on: true, since: "2026-11-21T10:00:00.000Z" }] },
);

export function saleRoutes(deps: ApiDeps) {
  return new Elysia({ prefix: "/ops/sale", detail: { tags: ["ops"] } })
    .use(opsAuth(deps))
    .get("", () => deps.bus.kinds.sale, {
      detail: { summary: "Whether there is a sale" },
      response: documented({ 200: saleView }),
    })
    .patch("", ({ body }) => deps.bus.setSale(body.on), {
      detail: {
        summary: "Begin or end a sale in the whole deployment",
        description:
          "During a sale the kinds of the low pool are paused, those of the normal pool run at half their cap, the autoscaler keeps " +
          "a process of the high pool per core, and each node serves at most `TRADEWIND_SALE_CHECKOUTS` direct checkouts at " +
          "once (429 `busy` with `Retry-After` beyond). Nothing that was set is overwritten: ending the sale restores it.",
      },
      body: t.Object({ on: t.Boolean() }, { additionalProperties: false }),
      response: documented({ 200: saleView }),
    });
}
