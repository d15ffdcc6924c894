/** A store by its name, with its id below: two may have the same name. */
import type { StoreWithUsage } from "../state/wire.ts";

export function StoreName({ store }: { store: Pick<StoreWithUsage, "id" | "name"> }) {
  return (
    <span class="stack-tight">
      <span>{store.name}</span>
      <code class="muted small">{store.id}</code>
    </span>
  );
}
