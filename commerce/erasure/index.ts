/**
 * Forgetting a person: who asks to be erased is, in all modules of a store, while the books stay. Owns `erasure.request`.
 * A flow: it calls other modules' doors and touches none of their tables.
 *
 * | what                                    | becomes                                                              |
 * | --------------------------------------- | -------------------------------------------------------------------- |
 * | account, sessions, password resets      | deleted at once, with the request                                    |
 * | orders                                  | stay, with lines, amounts and taxes; of the address country and region; no mail address, note, tracking number |
 * | stored answers of checkouts             | the order as it then is                                              |
 * | carts                                   | without mail address, address, note and customer                     |
 * | notes that mails were sent              | deleted                                                              |
 * | errors and stacks of jobs, dead letters | without the person's words; messages on the stream DEAD deleted      |
 *
 * Payloads of jobs hold ids only (a test of the contracts sees to it), so no queue is searched. The audit log holds no
 * personal data. Not reached: mails that were sent, a payment provider's records, logs and backups, which end by their age.
 *
 * Protocol (run.ts): the request and the job `customer.erase` are committed together. The job goes through the store page by
 * page, each page one transaction with the place where the next begins; the last step forgets who it was. Crash story: a
 * job that is run again goes on at its place; a page that did not commit is done again, and finds the same.
 */
export type { Erasure, Person } from "./model.ts";
export { runErasure } from "./run.ts";
export { type ErasureDeps, getErasure, listErasures, requestErasure } from "./service.ts";
