/** Which view an address means, and who may see it. */
import { useEffect } from "preact/hooks";
import { Page } from "./parts/page.tsx";
import { Empty, Loading } from "./parts/state.tsx";
import { Shell } from "./shell.tsx";
import { onSignedOut } from "./state/api.ts";
import { closeLive, openLive } from "./state/live.ts";
import { go, place } from "./state/router.ts";
import { session, trouble } from "./state/session.ts";
import { useSignal } from "./state/signal.ts";
import { find, firstView } from "./views/index.ts";
import { Login } from "./views/login.tsx";

export function App() {
  const who = useSignal(session);
  const { path } = useSignal(place);
  useEffect(() => onSignedOut(() => session.set(null)), []);
  const operator = Boolean(who?.ops);
  useEffect(() => {
    if (operator) openLive();
    else closeLive();
  }, [operator]);
  useEffect(() => {
    if (who && path === "/") go(firstView(who), { replace: true });
  }, [who, path]);

  const wrong = useSignal(trouble);
  if (who === undefined && wrong) {
    return (
      <main class="login">
        <Empty icon="dead" title={wrong} />
      </main>
    );
  }
  if (who === undefined) return <Loading lines={4} />;
  if (who === null || path === "/enter") return <Login adding={who !== null} />;
  if (path === "/") return <Loading lines={4} />;
  const found = find(path);
  return (
    <Shell path={path} session={who}>
      {found === null ? (
        <Page title="No such page">
          <Empty icon="info" title="There is nothing at this address">
            The menu leads to everything there is.
          </Empty>
        </Page>
      ) : who[found.view.area] ? (
        <found.view.show key={path} {...found.params} />
      ) : (
        <Missing area={found.view.area} />
      )}
    </Shell>
  );
}

function Missing({ area }: { area: "ops" | "store" }) {
  const wanted = area === "ops" ? "an ops key" : "a store's secret key";
  return (
    <Page title="Another key is needed">
      <Empty icon="key" title={`This page wants ${wanted}`}>
        “Add a key” in the menu keeps the one that you have.
      </Empty>
    </Page>
  );
}
