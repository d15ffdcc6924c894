/** Transfers of stock between locations. */
import { Elysia } from "elysia";
import {
  changeTransfer,
  createTransfer,
  getTransfer,
  listTransfers,
  moveTransfer,
  type Transfer,
} from "../../../../commerce/inventory/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import {
  DEFAULT_PAGE,
  idParams,
  newTransfer,
  pageView,
  transferChange,
  transferQuery,
  transferView,
} from "./inventory.schema.ts";

const response = documented({ 200: transferView });

/** `If-Match` is optional for steps: each is conditional on the state before it anyway. */
function optionalVersion(headers: Headers): number | "any" {
  return headers.get("if-match") === null ? "any" : expectedVersion(headers);
}

function tagged(transfer: Transfer, set: { headers: Record<string, string | number> }): Transfer {
  set.headers.etag = versionTag(transfer.version);
  return transfer;
}

export function transferRoutes(deps: ApiDeps) {
  const { sql, bus } = deps;

  /** `POST /:id/<action>`: one step of the transfer's life. */
  function step(action: string, to: "in_transit" | "received" | "cancelled", summary: string) {
    return new Elysia().use(adminAuth(deps)).post(
      `/:id/${action}`,
      async ({ author, params, request, set }) => {
        const expected = optionalVersion(request.headers);
        const transfer = await moveTransfer(sql, author, params.id, to, expected);
        bus.poke();
        return tagged(transfer, set as never);
      },
      {
        params: idParams,
        detail: {
          summary,
          description:
            "Happens once: asked for again it answers the transfer as it is. With `If-Match`, only of that version. 409 `transfer_state`, `insufficient_stock`, `location_inactive`.",
        },
        response,
      },
    );
  }

  return new Elysia({ prefix: "/admin/transfers", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query: { limit = DEFAULT_PAGE, ...query } }) =>
        listTransfers(sql, access.storeId, { ...query, limit }),
      {
        query: transferQuery,
        detail: { summary: "Transfers, newest first" },
        response: documented({ 200: pageView(transferView) }),
      },
    )
    .post(
      "/",
      async ({ author, body, set }) => {
        const transfer = await createTransfer(sql, author, body);
        set.status = 201;
        set.headers.location = `/admin/transfers/${transfer.id}`;
        return tagged(transfer, set as never);
      },
      {
        body: newTransfer,
        detail: { summary: "A draft of a transfer" },
        response: documented({ 201: transferView }),
      },
    )
    .get(
      "/:id",
      async ({ access, params, set }) =>
        tagged(await getTransfer(sql, access.storeId, params.id), set as never),
      { params: idParams, detail: { summary: "One transfer" }, response },
    )
    .patch(
      "/:id",
      async ({ author, params, body, request, set }) => {
        const expected = expectedVersion(request.headers);
        return tagged(await changeTransfer(sql, author, params.id, expected, body), set as never);
      },
      {
        params: idParams,
        body: transferChange,
        detail: { summary: "Change the lines or the note of a draft; wants `If-Match`" },
        response,
      },
    )
    .use(step("ship", "in_transit", "Take the units off the source; they are on their way"))
    .use(step("receive", "received", "The units have arrived at the target"))
    .use(step("cancel", "cancelled", "Call a draft off, or turn round what is on its way"));
}
