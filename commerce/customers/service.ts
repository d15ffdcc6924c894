/** Use cases of customers. Whatever takes a password costs one hash, whether or not the mail is known. */
import { type Bus, emit, type Origin, outboxRows } from "../../bus/index.ts";
import { notFound } from "../../platform/errors.ts";
import { isId, newId, newToken } from "../../platform/ids.ts";
import { type Sql, transaction } from "../../platform/postgres/index.ts";
import { emailTaken, resetGone, wrongCredentials, wrongPassword } from "./errors.ts";
import {
  type Customer,
  type CustomerChange,
  checkedChange,
  checkedCustomer,
  checkedNewPassword,
  emailKey,
  isResetToken,
  type NewCustomer,
  type NewSession,
  passwordText,
  tokenHash,
} from "./model.ts";
import type { Passwords } from "./passwords.ts";
import { forgetSessions, openSession, type SessionDeps } from "./sessions.ts";
import * as resets from "./store.resets.ts";
import * as store from "./store.ts";

const RESET_MS = 30 * 60_000;
const SWEEP = 1_000;

export type CustomerDeps = SessionDeps & {
  readonly passwords: Passwords;
  readonly bus?: Pick<Bus, "poke"> | undefined;
};

/** @throws Problem 409 `email_taken`; 422; 503 `busy`. */
export async function register(deps: CustomerDeps, storeId: string, input: NewCustomer): Promise<Customer> {
  const { password, ...customer } = checkedCustomer(input);
  const passwordHash = await deps.passwords.hash(password);
  const row = { ...customer, id: newId("cus"), passwordHash };
  const made = await store.insertCustomer(deps.sql, storeId, row);
  if (!made) throw emailTaken();
  return made;
}

export type LogIn = { customer: Customer; session: NewSession };

/** @throws Problem 401 `invalid_credentials`, the same for an unknown mail and a wrong password; 503 `busy`. */
export async function logIn(
  deps: CustomerDeps,
  storeId: string,
  given: { email: string; password: string },
): Promise<LogIn> {
  const known = await store.selectCredentials(deps.sql, storeId, { emailKey: searchable(given.email) });
  const right = await deps.passwords.verify(passwordText(given.password), known?.passwordHash ?? null);
  if (!known || !right) throw wrongCredentials();
  const session = await openSession(deps, storeId, known);
  const customer = session && (await store.selectCustomer(deps.sql, storeId, known.id));
  if (!session || !customer) throw wrongCredentials();
  return { customer, session };
}

/** Postgres takes neither NUL nor half a surrogate pair; no stored address has them. */
function searchable(email: string): string {
  return emailKey(email.toWellFormed().replaceAll("\0", "\ufffd"));
}

/** @throws Problem 404. */
export async function getCustomer(sql: Sql, storeId: string, id: string): Promise<Customer> {
  const customer = isId("cus", id) ? await store.selectCustomer(sql, storeId, id) : null;
  if (!customer) throw notFound("customer");
  return customer;
}

/**
 * A new password ends every session of the customer, and `session` is the one to go on with.
 * @throws Problem 404; 409 `email_taken`; 422, also for a wrong current password; 503 `busy`.
 */
export async function changeCustomer(
  deps: CustomerDeps,
  origin: Origin,
  id: string,
  change: CustomerChange,
): Promise<{ customer: Customer; session: NewSession | null }> {
  const { storeId } = origin;
  const { password, ...fields } = checkedChange(change);
  const before = change.currentPassword === undefined ? null : await confirmed(deps, storeId, id, change);
  const passwordHash = password === undefined ? undefined : await deps.passwords.hash(password);
  const done = await transaction(deps.sql, async tx => {
    const customer = await store.updateCustomer(tx, storeId, id, { ...fields, passwordHash }, before);
    if (!customer) throw before === null ? notFound("customer") : wrongPassword();
    await emit(tx, origin, { type: "customer.changed", customerId: id });
    if (passwordHash === undefined) return { customer, session: null, ended: [] };
    await resets.closeResetsOf(tx, storeId, id);
    const ended = await store.deleteSessionsOf(tx, storeId, id);
    const session = await openSession({ sql: tx, sessionMs: deps.sessionMs }, storeId, { id, passwordHash });
    return { customer, session, ended };
  }).catch(error => {
    throw error?.code === "23505" ? emailTaken() : error;
  });
  await forgetSessions(deps.redis, storeId, done.ended);
  return { customer: done.customer, session: done.session };
}

/** The hash that the current password was checked against. */
async function confirmed(
  deps: CustomerDeps,
  storeId: string,
  id: string,
  { currentPassword = "" }: CustomerChange,
): Promise<string> {
  const known = await store.selectCredentials(deps.sql, storeId, { id });
  const right = await deps.passwords.verify(passwordText(currentPassword), known?.passwordHash ?? null);
  if (!known || !right) throw wrongPassword();
  return known.passwordHash;
}

/**
 * Lets a mail be sent with a link to set a new password. One statement with the same writes whether or not there is a
 * customer with this mail; a reset for nobody ends in a job that finds nobody to write to.
 */
export async function requestPasswordReset(
  deps: Pick<CustomerDeps, "sql" | "bus">,
  origin: { storeId: string; traceparent: string },
  email: string,
): Promise<void> {
  const id = newId("rst");
  const rows = outboxRows(origin, [{ type: "password.reset_requested", resetId: id }]);
  await resets.requestReset(deps.sql, origin.storeId, {
    id,
    emailKey: searchable(email),
    lifeMs: RESET_MS,
    rows,
  });
  deps.bus?.poke();
}

/** The address that the mail of a reset goes to; null when the reset is for nobody, used or expired. */
export function recipientOfReset(sql: Sql, storeId: string, resetId: string): Promise<string | null> {
  return resets.selectResetEmail(sql, storeId, resetId);
}

/** A secret for the mail of a reset, kept as a hash; null when the reset is gone. */
export async function issueResetToken(
  sql: Sql,
  storeId: string,
  resetId: string,
): Promise<{ token: string; expiresAt: Date } | null> {
  const token = newToken("pwr");
  const expiresAt = await resets.insertResetToken(sql, storeId, resetId, tokenHash(token));
  return expiresAt && { token, expiresAt };
}

/**
 * Sets a new password by a mailed token, once, and ends every session of the customer.
 * @throws Problem 404 `reset_token_invalid`; 422 for a bad password, which leaves the token good; 503 `busy`.
 */
export async function resetPassword(
  deps: CustomerDeps,
  origin: Origin,
  given: { token: string; password: string },
): Promise<void> {
  const { storeId } = origin;
  const password = checkedNewPassword(given.password);
  if (!isResetToken(given.token)) throw resetGone();
  const hash = tokenHash(given.token);
  // Looked at before hashing, so that made-up tokens are cheap; decided below, in the transaction.
  if (!(await resets.resetIsOpen(deps.sql, storeId, hash))) throw resetGone();
  const passwordHash = await deps.passwords.hash(password);
  const ended = await transaction(deps.sql, async tx => {
    const id = await resets.useReset(tx, storeId, hash);
    if (!id) throw resetGone();
    const unchanged = { email: undefined, emailKey: undefined, name: undefined, phone: undefined };
    await store.updateCustomer(tx, storeId, id, { ...unchanged, passwordHash }, null);
    await emit(tx, origin, { type: "customer.changed", customerId: id });
    await resets.closeResetsOf(tx, storeId, id);
    return store.deleteSessionsOf(tx, storeId, id);
  });
  await forgetSessions(deps.redis, storeId, ended);
}

/** Removes sessions and resets whose time is over; for the keeper. */
export async function sweepCustomers(sql: Sql): Promise<number> {
  let count = 0;
  for (let found = SWEEP; found >= SWEEP; count += found) found = await store.deleteExpired(sql, SWEEP);
  return count;
}
