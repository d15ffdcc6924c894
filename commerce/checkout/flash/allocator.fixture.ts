/** Allocators in a process of their own, for tests that kill it. */
import { openBus } from "../../../bus/index.ts";
import { silentLog } from "../../../platform/log.ts";
import { connect } from "../../../platform/postgres/index.ts";
import { startAllocators } from "./index.ts";

const [databaseUrl, natsUrl] = process.argv.slice(2) as [string, string];
const sql = connect(databaseUrl, { max: 2, application: "allocator" });
const bus = openBus({ url: natsUrl, name: "allocator", log: silentLog, sql });
startAllocators({ sql, bus, log: silentLog, holdMs: 60_000 });
