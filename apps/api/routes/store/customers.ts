/** Registration, and what customers see and change of themselves. */
import { Elysia, t } from "elysia";
import { type Customer, changeCustomer, emailKey, register } from "../../../../commerce/customers/index.ts";
import { listOrdersOf } from "../../../../commerce/orders/index.ts";
import { giving } from "../../cache/given.ts";
import { cacheOf } from "../../cache/index.ts";
import { askProfile } from "../../cache/profile.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { customerContext, customersOf, loggedIn, sessionCookie } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { reading } from "../../http/per-node.ts";
import { limited } from "../../http/rate-limit.ts";
import { changedCustomer, customerChange, customerView, newCustomer, orderPage } from "./customers.schema.ts";

const page = t.Object(
  {
    limit: t.Optional(t.Integer({ minimum: 1, maximum: 100 })),
    cursor: t.Optional(t.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
);

export function customerRoutes(deps: ApiDeps) {
  const customers = customersOf(deps);
  const give = giving(deps);
  const read = reading(deps);
  return new Elysia({ prefix: "/store/customers", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .use(customerContext(deps))
    .post(
      "/",
      async ({ access, body, set }) => {
        const customer = await register(customers, access.storeId, body);
        set.status = 201;
        set.headers.location = "/store/customers/me";
        return customer;
      },
      {
        body: newCustomer,
        beforeHandle: limited(deps, "registration", ({ body }) =>
          emailKey((body as typeof newCustomer.static).email),
        ),
        detail: {
          summary: "Register a customer",
          description:
            "409 `email_taken`; 429 `rate_limited`; 503 `busy`. Log in with `POST /store/sessions`.",
        },
        response: documented({ 201: customerView }),
      },
    )
    .get(
      "/me",
      ({ access: { storeId }, customer, request, set }) =>
        give<Customer>(
          { request, set, storeId, route: "/store/customers/me" },
          askProfile(deps, storeId, loggedIn(customer).id),
        ),
      {
        detail: { summary: "The customer who is logged in" },
        response: documented({ 200: customerView }),
      },
    )
    .patch(
      "/me",
      async ({ access: { storeId }, customer, body, request, set, traceparent }) => {
        const { id } = loggedIn(customer);
        const changed = await changeCustomer(customers, { storeId, traceparent }, id, body);
        await cacheOf(deps).settle(traceparent);
        if (!changed.session) return changed.customer;
        set.headers["set-cookie"] = sessionCookie(deps, request, changed.session);
        return { ...changed.customer, session: changed.session };
      },
      {
        body: customerChange,
        beforeHandle: limited(deps, "login", ({ body, customer }) =>
          (body as typeof customerChange.static).currentPassword === undefined ? undefined : customer?.id,
        ),
        detail: {
          summary: "Change name, phone, email or password",
          description:
            "Email and password want `currentPassword`. A new password ends every session; the answer holds a new one. 409 `email_taken`; 429 `rate_limited`; 503 `busy`.",
        },
        response: documented({ 200: changedCustomer }),
      },
    )
    .get(
      "/me/orders",
      ({ access, customer, query }) => {
        const { id } = loggedIn(customer);
        return read(db => listOrdersOf(db, access.storeId, id, { limit: query.limit ?? 20, ...query }));
      },
      {
        query: page,
        detail: { summary: "The customer's orders, newest first" },
        response: documented({ 200: orderPage }),
      },
    );
}
