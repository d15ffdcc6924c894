/** Setting a new password by mail. Nothing here tells whether a mail is known. */
import { Elysia, t } from "elysia";
import { emailKey, requestPasswordReset, resetPassword } from "../../../../commerce/customers/index.ts";
import { cacheOf } from "../../cache/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { storeAuth } from "../../http/auth.ts";
import { customersOf } from "../../http/customer.ts";
import { documented } from "../../http/documented.ts";
import { limited } from "../../http/rate-limit.ts";
import { newPassword, resetRequest } from "./customers.schema.ts";

export function passwordResetRoutes(deps: ApiDeps) {
  const customers = customersOf(deps);
  return new Elysia({ prefix: "/store/password-resets", detail: { tags: ["store"] } })
    .use(storeAuth(deps))
    .post(
      "/",
      async ({ access, body, traceparent, set }) => {
        await requestPasswordReset(customers, { storeId: access.storeId, traceparent }, body.email);
        set.status = 202;
        return { status: "accepted" };
      },
      {
        body: resetRequest,
        beforeHandle: limited(deps, "password_reset", ({ body }) =>
          emailKey((body as typeof resetRequest.static).email),
        ),
        detail: {
          summary: "Ask for a new password",
          description:
            "A mail with a token goes out when there is such a customer; the answer is always the same. 429 `rate_limited`.",
        },
        response: documented({ 202: t.Object({ status: t.Literal("accepted") }) }),
      },
    )
    .put(
      "/:token",
      async ({ access: { storeId }, params: { token }, body: { password }, set, traceparent }) => {
        await resetPassword(customers, { storeId, traceparent }, { token, password });
        await cacheOf(deps).settle(traceparent);
        set.status = 204;
      },
      {
        params: t.Object({ token: t.String({ maxLength: 200 }) }),
        body: newPassword,
        beforeHandle: limited(deps, "password_reset"),
        detail: {
          summary: "Set a new password by the token of the mail",
          description:
            "Ends every session of the customer. The token works once, for 30 minutes; else 404 `reset_token_invalid`. 429 `rate_limited`; 503 `busy`.",
        },
      },
    );
}
