/**
 * Stores, the keys that open them, and the sessions of people who entered keys in the web console. Owns `stores.store`,
 * `stores.api_key` and `stores.console_session`.
 *
 * Every other row of the shop belongs to one store and carries its id first. A request is bound to a store by its key
 * alone, so that no route takes a store from its caller.
 *
 * Always holds: a key is kept as a hash and shown once; a publishable or secret key belongs to one store, an ops key to
 * none; a revoked key is refused from the commit of its revocation on; a revocation is never taken back; a console session is worth no more than
 * its keys.
 */

export {
  type ConsoleSession,
  closeConsoleSession,
  findConsoleSession,
  type NewConsoleSession,
  openConsoleSession,
  type SessionPart,
  sweepConsoleSessions,
} from "./console-sessions.ts";

export { type Access, type KeyInfo, type KeyKind, keyKinds, type Role, roles, type Store } from "./model.ts";
export {
  createKey,
  createStore,
  findKey,
  getStore,
  listKeys,
  listStores,
  type NewStore,
  revokeKey,
} from "./service.ts";
