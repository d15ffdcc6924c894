/**
 * Stock: what lies where, what of it is spoken for. Owns `inventory.location`, `level`, `reservation`,
 * `reservation_line` and `adjustment` (the ledger of every change of `on_hand`).
 * Publishes SQL functions that flows call in their own transaction: `inventory.available`, `set_initial` (imports),
 * `claim`, `confirm`, `release` (checkout).
 *
 * Always holds: `0 ≤ reserved ≤ on_hand` unless a level takes backorders; `reserved` is the sum of the held
 * reservations; `on_hand` is the sum of the level's ledger; a reservation ends once, as committed or released,
 * whichever comes first. Levels are locked in the order (store, variant, location) in every flow and changed by
 * conditional statements under that lock. A change of availability enqueues what follows from `stock.changed`.
 */

export { type Adjustment, type Level, MAX_DELTA } from "./model.ts";
export {
  adjustStock,
  commitReservation,
  releaseLapsed,
  stockChanged,
  sweepReservations,
} from "./service.ts";
