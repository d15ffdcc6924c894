/**
 * Stock: what lies where, what of it is spoken for, what is on its way. Owns `inventory.location`, `level`, `reservation`,
 * `reservation_line`, `transfer`, `transfer_line`, `low_crossing`, `adjustment` (the ledger of every change of `on_hand`, a
 * partition a month) and `adjustment_key`.
 * Publishes SQL functions that flows call in their own transaction: `inventory.available`, `set_initial` (imports),
 * `claim`, `confirm`, `release` (checkout), `restore` (cancel, refund).
 *
 * Always holds: `0 ≤ reserved ≤ on_hand` unless a level takes backorders; `reserved` is the sum of the held
 * reservations; `on_hand` is the sum of the level's ledger; `incoming` is the sum of the transfers on their way; a
 * reservation ends once, as committed or released, whichever comes first, and each of its units comes back at most once.
 * Locks are taken in one order by every flow: reservation or transfer, locations by id (shared), levels by (store,
 * variant, location); levels are changed by conditional statements under that lock. A change of availability enqueues
 * what follows from `stock.changed`.
 */

export { changeLevels, type LevelQuery, listAdjustments, listLevels } from "./levels.ts";
export { changeLocation, createLocation, deleteLocation, getLocation, listLocations } from "./locations.ts";
export { findLowStock, type LowStock, sweepLowStock } from "./low-stock.ts";
export {
  type Adjustment,
  type LedgerEntry,
  type Level,
  type LevelChange,
  type Location,
  type LocationChange,
  MAX_DELTA,
  type Transfer,
  type TransferStatus,
  transferStatuses,
} from "./model.ts";
export {
  adjustStock,
  commitReservation,
  ensureLedgerPartitions,
  releaseLapsed,
  stockChanged,
  sweepReservations,
} from "./service.ts";
export { changeTransfer, createTransfer, getTransfer, listTransfers, moveTransfer } from "./transfers.ts";
