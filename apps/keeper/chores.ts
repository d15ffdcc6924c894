/** The sweeps that keepers run, as data: what, how often. Each is safe to run in many processes at once. */
import { type Bus, natsInvalidations, schedules } from "../../bus/index.ts";
import { ensureAuditPartitions } from "../../commerce/audit/index.ts";
import { abandonCarts } from "../../commerce/carts/index.ts";
import { recoverCheckouts } from "../../commerce/checkout/index.ts";
import { sweepCustomers } from "../../commerce/customers/index.ts";
import { ensureLedgerPartitions, sweepLowStock, sweepReservations } from "../../commerce/inventory/index.ts";
import { recoverActions } from "../../commerce/orders/index.ts";
import { openProviders } from "../../commerce/payments/index.ts";
import { announceBoundaries } from "../../commerce/pricing/index.ts";
import { ensureSummaries, rankPopularity, showPopularity } from "../../commerce/storefront/index.ts";
import { sweepConsoleSessions } from "../../commerce/stores/index.ts";
import { collectFiles, failDeadConversions, searchOrphans, sweepUploads } from "../../media/index.ts";
import { applyChanges, openRedisLayer } from "../../platform/cache/index.ts";
import type { Config } from "../../platform/config.ts";
import type { Log } from "../../platform/log.ts";
import type { Db } from "../../platform/postgres/index.ts";
import { openRedis } from "../../platform/redis/index.ts";
import { openStorage } from "../../platform/storage/index.ts";
import { ensureIndexes, ensureSearchPartitions, learnWords } from "../../search/index.ts";
import type { Chore } from "./keeper.ts";
import { scheduleChore } from "./schedule.ts";

const HOUR_MS = 3_600_000;

export type ChoreDeps = { config: Config; sql: Db; log: Log; bus: Bus };

export function chores({ config, sql, log, bus }: ChoreDeps): readonly Chore[] {
  const storage = openStorage(config);
  const holdMs = config.reservationSeconds * 1_000;
  const providers = openProviders(sql, config);
  const { redisUrl, redisToken: token, redisTimeoutMs: timeoutMs } = config;
  const shared = redisUrl ? openRedisLayer(openRedis({ url: redisUrl, token, timeoutMs, log })) : null;
  const channel = natsInvalidations(bus.connection);
  return [
    {
      name: "partitions of the audit log",
      everyMs: HOUR_MS,
      run: () => ensureAuditPartitions(sql, new Date()),
    },
    {
      name: "partitions of the stock ledger",
      everyMs: HOUR_MS,
      run: () => ensureLedgerPartitions(sql, new Date()),
    },
    {
      name: "partitions of search counts",
      everyMs: HOUR_MS,
      run: () => ensureSearchPartitions(sql, new Date()),
    },
    {
      name: "words of shops, for spelling",
      everyMs: 15_000,
      run: () => learnWords(sql),
    },
    {
      name: "low stock",
      everyMs: 1_000,
      run: () => sweepLowStock({ sql, bus }),
    },
    {
      name: "summaries of new stores and new shapes",
      everyMs: 60_000,
      run: () => ensureSummaries(sql),
    },
    {
      name: "search indexes of older shapes",
      everyMs: 60_000,
      run: () => ensureIndexes(sql),
    },
    {
      name: "console sessions that are over",
      everyMs: HOUR_MS,
      run: () => sweepConsoleSessions(sql),
    },
    {
      name: "popularity in lists",
      everyMs: 5_000,
      run: () => showPopularity(sql),
    },
    {
      name: "popularity in search",
      everyMs: 60_000,
      run: () => rankPopularity(sql),
    },
    {
      name: "changes that caches are to know",
      everyMs: 200,
      run: () => applyChanges({ sql, shared, channel }),
    },
    scheduleChore({ config, sql, log, bus }, schedules),
    {
      name: "lapsed reservations",
      everyMs: 1_000,
      run: () => sweepReservations({ sql, bus }),
    },
    {
      name: "price lists that opened or closed",
      everyMs: 1_000,
      run: () => announceBoundaries({ sql, bus }),
    },
    {
      name: "unfinished cancels, refunds and fulfilments",
      everyMs: 2_000,
      run: () => recoverActions({ sql, log, bus, providers }),
    },
    {
      name: "lost checkouts",
      everyMs: 2_000,
      run: () => recoverCheckouts({ sql, log, bus, providers, holdMs }),
    },
    {
      name: "pictures whose conversion died",
      everyMs: 10_000,
      run: () => failDeadConversions(sql),
    },
    {
      name: "uploads that nobody goes on with",
      everyMs: HOUR_MS,
      run: () => sweepUploads(sql, openStorage(config)),
    },
    {
      name: "abandoned carts",
      everyMs: 60_000,
      run: () => abandonCarts({ sql, idleHours: config.cartIdleHours }),
    },
    {
      name: "files that no picture names",
      everyMs: 60_000,
      run: () => collectFiles(sql, storage),
    },
    {
      name: "files that nothing knows",
      everyMs: HOUR_MS,
      run: () => searchOrphans(sql, storage),
    },
    {
      name: "expired sessions and password resets",
      everyMs: 60_000,
      run: () => sweepCustomers(sql),
    },
  ];
}
