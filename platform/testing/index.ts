/**
 * For tests only: fresh databases and NATS accounts on the servers that `bun run test` started, their addresses, and
 * waiting for a condition.
 *
 * Always holds: what one test gets no other test sees, also when several test processes share the servers. Redis,
 * Meilisearch and the mailbox are shared: tests use names of their own there.
 */
export { ensureTemplate, type FreshDatabase, freshDatabase } from "./database.ts";
export { type Door, openDoor } from "./door.ts";
export { Mishap, type MishapKind, mishaps, StepLost } from "./mishap.ts";
export { type FreshNats, freshNats } from "./nats.ts";
export { startTestS3, type TestS3 } from "./s3.ts";
export { type TestStack, testServers } from "./stack.ts";
export { LOOKUP_SLACK, StatementLog } from "./statements.ts";
export { until } from "./until.ts";
