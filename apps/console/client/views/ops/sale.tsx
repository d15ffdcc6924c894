/** The switch for a sale: low waits, normal is narrowed, high has room, checkouts are admitted. */
import { Button } from "../../parts/button.tsx";
import { confirm } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Time } from "../../parts/time.tsx";
import { ask } from "../../state/api.ts";
import { useRead } from "../../state/query.ts";
import { mayOperate } from "../../state/session.ts";

type Sale = { on: boolean; since: string | null };

const LOOK_AGAIN_MS = 5_000;

export function useSale() {
  return useRead<Sale>("/ops/sale", { everyMs: LOOK_AGAIN_MS });
}

type Props = { sale: ReturnType<typeof useSale> };

export function SaleSwitch({ sale }: Props) {
  if (!sale.data) return null;
  const { on } = sale.data;
  const toggle = () =>
    confirm({
      title: on ? "End the sale?" : "Begin a sale?",
      text: on ? (
        <p>Everything goes on as it was set before: the low pool, the caps, and checkouts without a limit.</p>
      ) : (
        <p>
          Pictures, imports and all else of the low pool wait; the normal pool runs at half its caps; the high
          pool gets a process a core; checkouts beyond what a node can serve are asked to come again. Nothing
          that was set is lost.
        </p>
      ),
      action: on ? "End the sale" : "Begin the sale",
      danger: !on,
      run: async () => sale.put(await ask<Sale>("/ops/sale", { method: "PATCH", json: { on: !on } })),
    });
  return (
    <Button tone={on ? "primary" : undefined} disabled={!mayOperate("ops")} onPress={toggle}>
      {on ? "End the sale" : "Begin a sale…"}
    </Button>
  );
}

export function SaleNotice({ sale }: Props) {
  return (
    <div role="status" class="away">
      {sale.data?.on && (
        <div class="notice" data-tone="warn">
          <Icon name="info" />
          <span>
            A sale is on, since <Time at={sale.data.since} />: low waits, normal is narrowed, checkouts are
            admitted by number.
          </span>
        </div>
      )}
    </div>
  );
}
