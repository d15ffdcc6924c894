/**
 * `bun run start`: the whole cluster in the foreground, until Ctrl-C or SIGTERM.
 *
 * Bootstrap: only files without dependencies are imported before the install.
 */
import { ensureInstalled } from "./install.ts";

ensureInstalled();
const { runCluster } = await import("./run.ts");
process.exit(await runCluster(process.env));
