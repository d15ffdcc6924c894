/** The process: listens where SMTP_URL and TRADEWIND_MAILBOX_URL point. */
import { join } from "node:path";
import { loadConfig, required } from "../../platform/config.ts";
import { giveBackAtRest } from "../../platform/footprint.ts";
import { createLog, flushLog } from "../../platform/log.ts";
import { startMailcatcher } from "./index.ts";

const config = loadConfig(process.env);
const log = createLog({ level: config.logLevel, process: config.processName || "mailcatcher" });
const catcher = await startMailcatcher({
  dir: join(config.home, "mail"),
  token: required(config, "stackToken"),
  smtpPort: Number(new URL(required(config, "smtpUrl")).port),
  httpPort: Number(new URL(required(config, "mailboxUrl")).port),
});
log.info({ mailbox: catcher.mailboxUrl }, "listening");
giveBackAtRest();

const stop = async () => {
  await catcher.stop();
  log.info("stopped");
  await flushLog(log);
  process.exit(0);
};
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
