/** Carts. */
import { Elysia, t } from "elysia";
import {
  addLine,
  changeCart,
  createCart,
  getCart,
  removeLine,
  setQuantity,
} from "../../../../commerce/carts/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { customerContext } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { cartChange, cartView, newCart, newLine, quantity } from "./carts.schema.ts";

const cartParams = t.Object({ id: t.String({ maxLength: 200 }) });
const lineParams = t.Object({ id: t.String({ maxLength: 200 }), lineId: t.String({ maxLength: 200 }) });
const response = documented({ 200: cartView });

const NOT_OPEN = "409 `cart_completed` with the order's id, or `in_progress` while it is checked out.";
const WRONG_DETAILS =
  "422 `unknown_coupon`, `unknown_shipping_method`, or `shipping_method_not_offered` in that country.";

export function cartRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia({ prefix: "/store/carts", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .use(customerContext(deps))
    .post(
      "/",
      async ({ access, body, customer, set }) => {
        const cart = await createCart(sql, access.storeId, { ...body, customerId: customer?.id });
        set.status = 201;
        set.headers.location = `/store/carts/${cart.id}`;
        return cart;
      },
      {
        body: newCart,
        detail: {
          summary: "A new cart; the customer's, when one is logged in",
          description: WRONG_DETAILS,
        },
        response: documented({ 201: cartView }),
      },
    )
    .get("/:id", ({ access, params }) => getCart(sql, access.storeId, params.id), {
      params: cartParams,
      detail: {
        summary: "A cart at current prices",
        description: "The total shown here is the one that a checkout accepts.",
      },
      response,
    })
    .patch("/:id", ({ access, params, body }) => changeCart(sql, access.storeId, params.id, body), {
      params: cartParams,
      body: cartChange,
      detail: {
        summary: "Change email, address, shipping method or coupons; null clears",
        description: `${WRONG_DETAILS} ${NOT_OPEN}`,
      },
      response,
    })
    .post("/:id/lines", ({ access, params, body }) => addLine(sql, access.storeId, params.id, body), {
      params: cartParams,
      body: newLine,
      detail: {
        summary: "Add a variant; adds to the line that has it already",
        description: `409 \`not_for_sale\`; 422 \`no_price\` in the cart's currency. ${NOT_OPEN}`,
      },
      response,
    })
    .patch(
      "/:id/lines/:lineId",
      ({ access, params, body }) => setQuantity(sql, access.storeId, params.id, params.lineId, body.quantity),
      {
        params: lineParams,
        body: t.Object({ quantity }, { additionalProperties: false }),
        detail: { summary: "Set the quantity of a line", description: NOT_OPEN },
        response,
      },
    )
    .delete(
      "/:id/lines/:lineId",
      ({ access, params }) => removeLine(sql, access.storeId, params.id, params.lineId),
      { params: lineParams, detail: { summary: "Remove a line", description: NOT_OPEN }, response },
    );
}
