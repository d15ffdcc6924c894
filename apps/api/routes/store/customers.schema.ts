/** The shapes of customers and sessions. Texts are bounded here; what they may hold is checked by the module. */
import { t } from "elysia";
import { orderView } from "./orders.schema.ts";

const email = t.String({ minLength: 3, maxLength: 254, description: "a single mail address" });
/** UTF-16 units, so that 256 characters of any script fit; the module counts characters. */
const password = t.String({ minLength: 8, maxLength: 512, description: "8 to 256 characters" });
const typedPassword = t.String({ minLength: 1, maxLength: 512 });
const name = t.Nullable(t.String({ maxLength: 255 }));
const phone = t.Nullable(t.String({ maxLength: 40 }));
const time = t.String({ format: "date-time" });

export const newCustomer = t.Object(
  { email, password, name: t.Optional(name), phone: t.Optional(phone) },
  { additionalProperties: false },
);

export const customerChange = t.Object(
  {
    email: t.Optional(email),
    name: t.Optional(name),
    phone: t.Optional(phone),
    password: t.Optional(password),
    currentPassword: t.Optional(typedPassword),
  },
  { additionalProperties: false },
);

export const customerView = t.Object({
  id: t.String(),
  email: t.String(),
  name: t.Nullable(t.String()),
  phone: t.Nullable(t.String()),
  createdAt: time,
  updatedAt: time,
});

export const sessionView = t.Object({
  token: t.String({ description: "sess_…, for Authorization: Bearer; shown this once" }),
  expiresAt: t.String({ format: "date-time", description: "rolls on with use" }),
});

export const changedCustomer = t.Composite([
  customerView,
  t.Object({
    session: t.Optional(
      t.Composite([sessionView], { description: "after a new password, which ends all sessions before" }),
    ),
  }),
]);

export const logIn = t.Object(
  {
    email: t.String({ minLength: 1, maxLength: 254 }),
    password: typedPassword,
    cartId: t.Optional(
      t.String({ maxLength: 200, description: "the guest's cart; it becomes, or goes into, the customer's" }),
    ),
  },
  { additionalProperties: false },
);

export const resetRequest = t.Object({ email }, { additionalProperties: false });
export const newPassword = t.Object({ password }, { additionalProperties: false });

export const orderPage = t.Object({ items: t.Array(orderView), nextCursor: t.Nullable(t.String()) });
