/** All commands, in the order of the help. */
import type { Command } from "../command.ts";
import { alertCommands } from "./alerts.ts";
import { canaryCommands } from "./canaries.ts";
import { cronCommands } from "./cron.ts";
import { deadCommands } from "./dead.ts";
import { eraseCommand } from "./erase.ts";
import { flashCommands } from "./flash.ts";
import { importCommand } from "./import.ts";
import { jobControlCommands } from "./jobs.control.ts";
import { jobCommands } from "./jobs.ts";
import { journeyCommand } from "./journey.ts";
import { keyCommands } from "./keys.ts";
import { mediaDelete, mediaRetry, mediaUsage } from "./media.manage.ts";
import { mediaMove } from "./media.move.ts";
import { mediaUpload } from "./media.ts";
import { migrateCommand } from "./migrate.ts";
import { kindCommands, poolCommands } from "./pools.ts";
import { rebuildCommand } from "./rebuild.ts";
import { reindexCommand } from "./reindex.ts";
import { restartCommand } from "./restart.ts";
import { saleCommands } from "./sale.ts";
import { seedCommand } from "./seed.ts";
import { statusCommand } from "./status.ts";
import { storeCommands } from "./stores.ts";
import { streamCommands } from "./streams.ts";
import { timelineCommand } from "./timeline.ts";
import { watchCommand } from "./watch.ts";

export const commands: readonly Command[] = [
  statusCommand,
  watchCommand(() => commands),
  journeyCommand,
  restartCommand,
  ...poolCommands,
  ...kindCommands,
  ...jobCommands,
  timelineCommand,
  ...jobControlCommands,
  ...cronCommands,
  ...deadCommands,
  ...alertCommands,
  ...canaryCommands,
  importCommand,
  mediaUpload,
  mediaMove,
  mediaRetry,
  mediaDelete,
  mediaUsage,
  eraseCommand,
  ...flashCommands,
  ...saleCommands,
  ...storeCommands,
  ...keyCommands,
  migrateCommand,
  ...streamCommands,
  rebuildCommand,
  reindexCommand,
  seedCommand,
];
