import { Button } from "./button.tsx";
import { tell } from "./toast.tsx";

/** A value that one takes elsewhere: ids, traces. */
export function Copyable({ value, what }: { value: string; what: string }) {
  const copy = () =>
    navigator.clipboard.writeText(value).then(
      () => tell(`Copied the ${what}.`),
      () => tell("This browser does not let pages copy here.", "bad"),
    );
  return (
    <span class="copyable">
      <code>{value}</code>
      <Button small tone="quiet" icon="copy" label={`Copy the ${what}`} onPress={copy} />
    </span>
  );
}
