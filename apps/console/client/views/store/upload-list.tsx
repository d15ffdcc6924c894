import { Status } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { Link } from "../../parts/link.tsx";
import { Panel } from "../../parts/panel.tsx";
import { bytes } from "../../state/format.ts";
import { useSignal } from "../../state/signal.ts";
import { dismiss, dismissOver, type Upload, uploads } from "../../state/uploads.ts";

const stateWords: Record<Upload["state"], string> = {
  waiting: "waits its turn",
  sending: "sending",
  converting: "making sizes and formats",
  ready: "ready",
  failed: "failed",
};

const wordsOf = ({ state, cut }: Upload) =>
  cut ? "the connection is lost; it goes on by itself" : stateWords[state];

export function UploadList() {
  const all = useSignal(uploads);
  const over = all.filter(one => one.state === "ready" || one.state === "failed");
  const ready = all.filter(one => one.state === "ready").length;
  const cut = all.some(one => one.cut);
  return (
    <div>
      <p class="hidden-text" role="status">
        {all.length > 0 ? `${ready} of ${all.length} uploads ready` : ""}
        {cut ? " The connection is lost; uploads go on by themselves." : ""}
      </p>
      {all.length > 0 && (
        <Panel
          title="Uploads"
          note={`${ready} of ${all.length} ready`}
          padded
          actions={
            over.length > 0 && (
              <Button small onPress={dismissOver}>
                Clear
              </Button>
            )
          }
        >
          <ul class="uploads">
            {all.map(one => (
              <Row key={one.id} of={one} />
            ))}
          </ul>
        </Panel>
      )}
    </div>
  );
}

function Row({ of: one }: { of: Upload }) {
  const isOver = one.state === "ready" || one.state === "failed";
  return (
    <li class="upload">
      <span class="row">
        {one.asset ? <Link to={`/media/${one.asset.id}`}>{one.name}</Link> : <span>{one.name}</span>}
        <span class="muted small">{bytes(one.bytes)}</span>
        {isOver ? <Status of={one.state} /> : <span class="muted small">{wordsOf(one)}</span>}
        {one.asset && one.state === "ready" && (
          <span class="muted small">{one.asset.variants.length} variants</span>
        )}
        {one.error && <span class="fault">{one.error}</span>}
      </span>
      <Button
        small
        tone="quiet"
        icon="close"
        label={isOver ? `Take ${one.name} from the list` : `Stop ${one.name}`}
        onPress={() => dismiss(one.id)}
      />
      {!isOver && (
        <progress class="bar" max={1} value={one.part} aria-label={`${one.name}, ${wordsOf(one)}`} />
      )}
    </li>
  );
}
