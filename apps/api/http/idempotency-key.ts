import { Problem } from "../../../platform/errors.ts";

/** The caller's Idempotency-Key where it is optional; null without one. @throws Problem 400 for one that is no good. */
export function optionalKey(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || /^[\x20-\x7e]{1,255}$/.test(key)) return key;
  throw new Problem(
    400,
    "idempotency_key_invalid",
    "An Idempotency-Key has 1 to 255 printable ASCII characters.",
  );
}
