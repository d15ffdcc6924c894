/** Logging in and out. */
import { Elysia, t } from "elysia";
import { adoptCart } from "../../../../commerce/carts/index.ts";
import { closeSession, emailKey, logIn } from "../../../../commerce/customers/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { customerContext, customersOf, endedCookie, loggedIn, sessionCookie } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { limited } from "../../http/rate-limit.ts";
import { cartView } from "./carts.schema.ts";
import { customerView, logIn as logInBody, sessionView } from "./customers.schema.ts";

const loggedInView = t.Composite([
  sessionView,
  t.Object({
    customer: customerView,
    cart: t.Nullable(t.Composite([cartView], { description: "the cart to go on with; null: none yet" })),
  }),
]);

export function sessionRoutes(deps: ApiDeps) {
  const customers = customersOf(deps);
  return new Elysia({ prefix: "/store/sessions", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .post(
      "/",
      async ({ access, body, request, set }) => {
        const { customer, session } = await logIn(customers, access.storeId, body);
        const cart = await adoptCart(deps.sql, access.storeId, customer.id, body.cartId);
        set.status = 201;
        set.headers["set-cookie"] = sessionCookie(deps, request, session);
        return { ...session, customer, cart };
      },
      {
        body: logInBody,
        beforeHandle: limited(deps, "login", ({ body }) => emailKey((body as typeof logInBody.static).email)),
        detail: {
          summary: "Log in",
          description:
            "The token comes as an HttpOnly cookie and in the body, for use as a bearer. 401 `invalid_credentials`, the same for " +
            "unknown mails and wrong passwords. The lines of `cartId` are added to the customer's open cart; a customer " +
            "without one takes the guest's cart over. 429 `rate_limited`; 503 `busy`.",
        },
        response: documented({ 201: loggedInView }),
      },
    )
    .use(customerContext(deps))
    .delete(
      "/current",
      async ({ access, customer, request, set }) => {
        await closeSession(customers, access.storeId, loggedIn(customer).token);
        set.headers["set-cookie"] = endedCookie(deps, request);
        set.status = 204;
      },
      { detail: { summary: "Log out" } },
    );
}
