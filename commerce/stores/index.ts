/**
 * Stores and the keys that open them. Owns `stores.store` and `stores.api_key`.
 *
 * Every other row of the shop belongs to one store and carries its id first. A request is bound to a store by its key
 * alone, so that no route takes a store from its caller.
 *
 * Always holds: a key is kept as a hash and shown once; a publishable or secret key belongs to one store, an ops key to
 * none; a revoked key is refused from the commit of its revocation on; a revocation is never taken back.
 */

export { type Access, type KeyInfo, type KeyKind, keyKinds, type Store } from "./model.ts";
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
