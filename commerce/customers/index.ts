/**
 * Customers: who they are, how they prove it, and the sessions they then have. Owns `customers.customer`,
 * `customers.session`, `customers.password_reset` and `customers.reset_token`. Publishes `customers.email_of`.
 *
 * Always holds: everything belongs to one store; a mail is one customer per store, whatever its case; passwords are
 * argon2id hashes, tokens SHA-256 hashes, and neither is shown or logged; an unknown mail costs the same work as a known
 * one; a session ends at once, in all processes, when its customer logs out or the password changes (sessions.ts), and
 * none is opened by a password that has been changed meanwhile; a reset token works once, for 30 minutes.
 */

export { type Removed, removeCustomer } from "./erase.ts";
export type { Customer, CustomerChange, NewCustomer, NewSession } from "./model.ts";
export { emailKey, passwordLength } from "./model.ts";
export { createPasswords, type Passwords } from "./passwords.ts";
export {
  type CustomerDeps,
  changeCustomer,
  getCustomer,
  issueResetToken,
  type LogIn,
  logIn,
  recipientOfReset,
  register,
  requestPasswordReset,
  resetPassword,
  sweepCustomers,
} from "./service.ts";
export { closeSession, customerOfSession, forgetSessions } from "./sessions.ts";
