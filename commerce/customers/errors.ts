import { conflict, invalid, Problem } from "../../platform/errors.ts";

/** The same for a mail that nobody has and for a wrong password. */
export const wrongCredentials = () =>
  new Problem(401, "invalid_credentials", "This mail and password don't belong together.", {
    headers: { "www-authenticate": 'Bearer realm="store"' },
  });

export const emailTaken = () =>
  conflict("email_taken", "There is a customer with this mail already; log in, or ask for a new password.");

export const wrongPassword = () =>
  invalid([{ path: "currentPassword", message: "is not the password of this customer" }]);

/** Unknown, used and expired are one answer: which of them is nobody's business. */
export const resetGone = () =>
  new Problem(
    404,
    "reset_token_invalid",
    "This link to set a new password does not work (any more); ask for another.",
  );

export const hashingBusy = (retryAfterSeconds: number) =>
  new Problem(503, "busy", "Too many passwords are being checked right now; try again in a moment.", {
    headers: { "retry-after": String(retryAfterSeconds) },
  });
