/**
 * `bun run bench SCENARIO [--json] [--seconds N] [--quick]`, and what goes with it; without words: the list.
 * Exit codes: 0 done; 1 not exact, failed, or slower than before; 2 called in a way it doesn't know.
 *
 * Bootstrap: only files without dependencies are imported before the install.
 */
import { ensureInstalled } from "../apps/cluster/install.ts";

ensureInstalled();
const { main } = await import("./main.ts");
process.exit(await main());
