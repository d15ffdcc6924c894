/** A moment: how long ago, with the exact time behind it. */
import { useEffect, useState } from "preact/hooks";
import { absolute, ago } from "../state/format.ts";

const TICK_MS = 15_000;

export function Time({ at, exact }: { at: string | null | undefined; exact?: boolean }) {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn(turn => turn + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  if (!at) return <span class="muted">–</span>;
  return (
    <time dateTime={at} title={absolute(at)} class="nowrap">
      {exact ? absolute(at) : ago(at)}
    </time>
  );
}
