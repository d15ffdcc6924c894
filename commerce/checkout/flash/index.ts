/**
 * Flash mode: when more buyers come at once than rows can be locked for, checkouts queue in the order they came and stock
 * is given out in batches.
 *
 *   door (accept.ts)         a checkout of a variant that is switched on goes to its lane of the stream FLASH: 202 and the
 *                            id of its order to be, which carries lane and sequence.
 *   allocator (allocate.ts)  one per lane takes a batch in stream order: T1 of all of them in one statement. Who gets
 *                            stock gets a pending order and a job `checkout.pay`; who does not is told why.
 *   load (load.ts)           switches it on for a while when many wait for the same.
 *   payment (pay.ts)         authorises and places (T2), many at a time.
 *   state (state.ts)         an id is `pending` with position and estimate until it was served, without any row.
 *
 * Always holds: first come, first served, by the order of the stream, also after a crash of any process; a key makes one
 * order; nothing that was answered 202 is lost. Crash stories: bus/lanes.ts, allocate.ts.
 */
export { type Accepted, type Door, openDoor } from "./accept.ts";
export { type AllocatorDeps, prepareBatch, startAllocators } from "./allocate.ts";
export { type LoadWatch, openLoadWatch } from "./load.ts";
export {
  placeOf as flashOrderPlace,
  type QueuedOrder,
  type QueuePosition,
  type RefusedOrder,
} from "./model.ts";
export { payAllocated } from "./pay.ts";
export { openQueue, type Queue } from "./queue.ts";
export { queuedOrder } from "./state.ts";
export { type FlashState, getFlash, openSwitches, type Switches, setFlash } from "./switches.ts";
