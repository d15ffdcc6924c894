/**
 * Which problems an operation may answer with. What follows from its form (a key, a body, fields that are checked) is told by
 * {@link rules}; what is particular to it, its own description names in backticks. {@link codes} says of each code
 * which status it comes with and what it means; a test holds every problem that the tests meet against the description.
 */
import { titles } from "./problem.ts";

type Code = { readonly status: readonly number[]; readonly detail: string };

const one = (status: number, detail: string): Code => ({ status: [status], detail });

export const codes: Record<string, Code> = {
  // Of the form of a request.
  malformed_json: one(400, "The body is not valid JSON in UTF-8."),
  malformed_body: one(400, "The body can't be read."),
  malformed_multipart: one(400, "The form is no valid multipart/form-data."),
  incomplete_body: one(400, "The body ended before it was complete."),
  body_too_slow: one(408, "The body came too slowly."),
  invalid_cookie: one(400, "A cookie is not ours."),
  idempotency_key_missing: one(400, "A checkout wants a header Idempotency-Key."),
  idempotency_key_invalid: one(400, "An Idempotency-Key has 1 to 255 printable ASCII characters."),
  signature_invalid: { status: [400, 403], detail: "The signature does not fit." },
  body_too_large: one(413, "The body is larger than this route takes."),
  too_many_files: one(413, "More files than can be sent at once."),
  quota_exceeded: one(413, "The store's quota of originals is used up."),
  unsupported_media_type: one(415, "This type of content is not taken here."),
  range_not_satisfiable: one(416, "The range lies beyond the file."),
  invalid: one(422, "The request has invalid fields."),
  empty_file: one(422, "The file is empty."),
  invalid_file: one(422, "The file is no product file."),
  unreadable: one(422, "The picture's headers are damaged or cut off."),
  too_many_pixels: one(422, "The picture is larger than can be converted."),
  unsafe_drawing: one(422, "The drawing holds what is not taken."),
  // Of who asks.
  unauthorized: one(401, "This route wants a key."),
  not_logged_in: one(401, "This route wants a session."),
  invalid_credentials: one(401, "This mail and password don't belong together."),
  invalid_key: one(401, "This key is unknown or has been revoked."),
  forbidden: one(403, "A key of this kind does not open this route."),
  view_only: one(403, "This key or session may look, and change nothing."),
  cross_site_request: one(403, "A cookie counts only for requests of our own pages."),
  unmarked_request: one(403, "With the console's session a change wants a header of its own."),
  signature_required: one(403, "This picture is private: it wants a signed URL."),
  signature_expired: one(403, "The signed URL has run out."),
  rate_limited: one(429, "Too many requests; Retry-After says when to come again."),
  queue_full: one(429, "Too many are waiting for this product; Retry-After says when to come again."),
  busy: { status: [429, 503], detail: "Too many at this moment; Retry-After says when to come again." },
  // Of what is there.
  not_found: one(404, "There is no such thing in this store."),
  no_mailbox: one(404, "Mails go to the configured SMTP server; there is no mailbox here."),
  reset_token_invalid: one(404, "The token is unknown, used or too old."),
  stale: one(412, "It was changed meanwhile; read it again and repeat the change."),
  precondition_required: one(428, "This write wants If-Match with the ETag that was read."),
  already_ended: one(409, "It has ended already."),
  already_settled: one(409, "It was replayed or discarded before."),
  backorder_in_use: one(409, "More is promised than there is in stock."),
  canary_running: one(409, "A canary of these dead letters is under way."),
  cart_completed: one(409, "This cart has become an order."),
  category_has_children: one(409, "There are categories below this one."),
  checkout_lapsed: one(409, "The stock was held too long ago; check out again with a new key."),
  default_currency: one(409, "This is the store's default currency."),
  email_taken: one(409, "There is an account with this mail already."),
  in_progress: one(409, "It is being worked on; ask again in a moment."),
  insufficient_stock: one(409, "There is not enough stock for that."),
  lines_exceed_order: one(409, "More units than are left."),
  location_in_use: one(409, "The location still has stock or an open transfer."),
  location_inactive: one(409, "The location is switched off."),
  no_bucket: one(409, "Media are not in a bucket."),
  not_failed: one(409, "There is nothing to try again."),
  not_for_sale: one(409, "This variant is not for sale."),
  not_waiting: one(409, "The canary waits for nothing."),
  nothing_to_fulfil: one(409, "Nothing of this order is left to be sent."),
  nothing_to_refund: one(409, "Nothing of this order is left to be refunded."),
  offset_moved: one(409, "The upload stands at another offset."),
  order_state: one(409, "This can't be done with an order in this state."),
  out_of_stock: one(409, "There is not enough stock for these lines."),
  payment_refused: one(409, "The payment provider refused."),
  preset_differs: one(409, "There is a size of this name that differs."),
  price_changed: one(409, "The total has changed since the cart was shown."),
  refund_exceeds_remaining: one(409, "That is more than is left of what was paid."),
  tax_rate_exists: one(409, "The place has a rate of that category."),
  too_many_presets: one(409, "The store has as many sizes as it may."),
  too_many_shipping_methods: one(409, "The store has as many shipping methods as it may."),
  transfer_state: one(409, "This can't be done with a transfer in this state."),
  idempotency_key_reused: one(422, "This Idempotency-Key was used with another request."),
  no_price: one(422, "This variant has no price in the currency."),
  unknown_coupon: one(422, "There is no such coupon code."),
  unknown_shipping_method: one(422, "There is no such shipping method."),
  shipping_method_not_offered: one(422, "This shipping method is not offered in that country."),
  payment_declined: one(402, "The payment was declined. Nothing is charged."),
  // Of the deployment.
  internal_error: one(500, "Something went wrong here; it is logged."),
  unavailable: one(503, "Something that this route needs does not answer right now; try again."),
  payment_unanswered: one(504, "The payment provider did not answer; ask again with the same key."),
};

export type Form = {
  method: string;
  /** Summary and description. */
  text: string;
  hasParameters: boolean;
  hasBody: boolean;
  /** The body is a form with files. */
  hasForm: boolean;
  /** The key that the area wants, such as `publishableKey`; none for open routes. */
  scheme: string | undefined;
};

const isRead = ({ method }: Form) => method === "get" || method === "head";
const isStore = ({ scheme }: Form) => scheme === "publishableKey";

/** What follows from an operation's form. */
const rules: readonly (readonly [applies: (form: Form) => boolean, codes: readonly string[]])[] = [
  [() => true, ["unavailable", "internal_error"]],
  [form => form.scheme !== undefined, ["unauthorized", "forbidden"]],
  // The console's cookie opens the back office and the operators' routes, the customer's the shop.
  [form => form.scheme !== undefined, ["cross_site_request", "invalid_cookie"]],
  [form => form.scheme !== undefined && !isStore(form) && !isRead(form), ["view_only", "unmarked_request"]],
  [form => isStore(form), ["not_logged_in"]],
  [form => form.hasParameters || form.hasBody, ["invalid", "not_found"]],
  [form => form.text.includes("`If-Match`"), ["stale", "precondition_required"]],
  [form => form.text.includes("`Idempotency-Key`"), ["idempotency_key_invalid", "idempotency_key_reused"]],
  [form => form.hasForm, ["malformed_multipart", "incomplete_body", "body_too_slow"]],
  [form => form.hasBody, ["malformed_json", "malformed_body", "body_too_large", "unsupported_media_type"]],
];

/** The codes an operation may answer with, by status. */
export function problemsOf(form: Form): Map<number, string[]> {
  const named = [...form.text.matchAll(/`(\w+)`/g)].map(match => match[1]!).filter(word => codes[word]);
  const all = new Set([...rules.flatMap(([applies, some]) => (applies(form) ? some : [])), ...named]);
  const byStatus = new Map<number, string[]>();
  for (const code of all) {
    for (const status of codes[code]!.status) byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return new Map([...byStatus].sort(([a], [b]) => a - b));
}

/** The response object of one status, with an example of each of its codes. */
export function problemResponse(status: number, some: readonly string[]): object {
  const examples = some.map(code => [
    code,
    {
      summary: codes[code]!.detail,
      value: {
        type: `urn:tradewind:problem:${code}`,
        title: titles[status],
        status,
        detail: codes[code]!.detail,
        code,
        ...(code === "invalid" ? { errors: [{ path: "quantity", message: "Expected a whole number" }] } : {}),
        traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      },
    },
  ]);
  return {
    description: some.map(code => `\`${code}\`: ${codes[code]!.detail}`).join(" "),
    content: {
      "application/problem+json": {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(examples),
      },
    },
  };
}
