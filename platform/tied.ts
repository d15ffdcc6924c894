/**
 * Commands that end with us. A test, a bench or a crash test that is killed can't clean up; what it started would stay for ever, and be
 * in the way of the next measurement. On Linux the system itself sends a signal to the children of a process that ended
 * (PR_SET_PDEATHSIG, by util-linux' `setpriv`). Elsewhere the command is as it was.
 *
 * Not for what is to outlive the one who starts it: children of the supervisor do.
 */
export function tied(command: readonly string[], signal: "KILL" | "TERM" = "KILL"): string[] {
  const setpriv = process.platform === "linux" ? Bun.which("setpriv") : null;
  return setpriv ? [setpriv, "--pdeathsig", signal, "--", ...command] : [...command];
}
