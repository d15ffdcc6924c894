/**
 * `bun run test [paths…]`: throw-away servers, then `bun test` with the given paths.
 * `bun run test --serve` keeps the servers up for quick repeated runs: `TRADEWIND_TEST_STACK=<file> bun test <path>`.
 *
 * Bootstrap: only files without dependencies are imported before the install.
 */
import { ensureInstalled } from "./install.ts";

ensureInstalled();
const { runTests } = await import("./test-run.ts");
process.exit(await runTests(process.argv.slice(2), process.env));
