/** Where the mails of a store to its merchant go. */
import { Elysia, t } from "elysia";
import { getMerchantEmail, setMerchantEmail } from "../../../../commerce/notifications/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { email } from "../store/carts.schema.ts";

const settings = t.Object(
  { email: t.Nullable(email, { description: "told when stock is low; null: nobody is" }) },
  { additionalProperties: false },
);

export function notificationRoutes({ sql, ...deps }: ApiDeps) {
  return new Elysia({ prefix: "/admin/notifications", detail: { tags: ["admin"] } })
    .use(adminAuth({ sql, ...deps }))
    .get("/", async ({ access }) => ({ email: await getMerchantEmail(sql, access.storeId) }), {
      detail: { summary: "Who is told when stock is low" },
      response: documented({ 200: settings }),
    })
    .put(
      "/",
      async ({ author, body }) => {
        await setMerchantEmail(sql, author, body.email);
        return body;
      },
      {
        body: settings,
        detail: { summary: "Set who is told when stock is low" },
        response: documented({ 200: settings }),
      },
    );
}
