/** What a view shows in the place of data: loading, nothing there, an error. */
import type { ComponentChildren } from "preact";
import type { ApiError } from "../state/api.ts";
import { Button } from "./button.tsx";
import { Icon, type IconName } from "./icon.tsx";

export function Loading({ lines = 6, what = "Loading" }: { lines?: number; what?: string }) {
  return (
    <div class="skeleton" role="status">
      <b class="hidden-text">{what}…</b>
      {Array.from({ length: lines }, (_, i) => (
        <span key={i} />
      ))}
    </div>
  );
}

type EmptyProps = { icon: IconName; title: string; children?: ComponentChildren };

export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div class="state">
      <Icon name={icon} size={28} />
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

/** What went wrong, what to do, and the trace to give to whoever looks into it. */
export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="state" role="alert">
      <Icon name="dead" size={28} />
      <strong>{headline(error)}</strong>
      <p>{error.message}</p>
      {error.traceId && <p class="small mono">trace {error.traceId}</p>}
      {retry && (
        <Button onPress={retry} icon="refresh">
          Try again
        </Button>
      )}
    </div>
  );
}

function headline({ status }: ApiError): string {
  if (status === 0) return "No connection";
  if (status === 403) return "Not for this session";
  if (status === 404) return "Not found";
  if (status === 503) return "A service is away";
  return "That did not work";
}

type ReadingLike<T> = { data: T | undefined; error: ApiError | null; reload(): void };

/** The three states of a reading; what was read before stays while it is read again. */
export function Shown<T>({
  reading,
  lines,
  children,
}: {
  reading: ReadingLike<T>;
  lines?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (reading.data !== undefined) return <>{children(reading.data)}</>;
  if (reading.error) return <Failure error={reading.error} retry={reading.reload} />;
  return <Loading {...(lines === undefined ? {} : { lines })} />;
}
