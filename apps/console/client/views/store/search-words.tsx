/** Synonyms, stop words and languages, as lines of text. */
import { useState } from "preact/hooks";
import { Button } from "../../parts/button.tsx";
import { AreaField, TextField } from "../../parts/field.tsx";
import { Panel } from "../../parts/panel.tsx";
import { tell } from "../../parts/toast.tsx";
import { ApiError, ask } from "../../state/api.ts";
import { mayOperate } from "../../state/session.ts";
import type { SearchSettings } from "../../state/wire.ts";

const parts = (text: string, mark: RegExp) =>
  text
    .split(mark)
    .map(one => one.trim())
    .filter(Boolean);

type Texts = { synonyms: string; stopWords: string; languages: string };

const textsOf = ({ synonyms, stopWords, languages }: SearchSettings): Texts => ({
  synonyms: synonyms.map(group => group.join(", ")).join("\n"),
  stopWords: stopWords.join(", "),
  languages: languages.join(", "),
});

/** Empty lines don't count, so that the n-th group is the n-th line with something on it. */
const settingsOf = (texts: Texts): SearchSettings => ({
  synonyms: parts(texts.synonyms, /\n/).map(line => parts(line, /,/)),
  stopWords: parts(texts.stopWords, /[,\n]/),
  languages: parts(texts.languages, /[,\s]/).map(one => one.toLowerCase()),
});

type Props = { of: SearchSettings; onSaved: (saved: SearchSettings) => void };

export function WordsForm({ of, onSaved }: Props) {
  const [texts, setTexts] = useState(() => textsOf(of));
  const [faults, setFaults] = useState<Partial<Texts>>({});
  const write = (name: keyof Texts) => (value: string) => setTexts({ ...texts, [name]: value });
  const save = async () => {
    const alone = parts(texts.synonyms, /\n/).findIndex(line => parts(line, /,/).length < 2);
    if (alone >= 0) return setFaults({ synonyms: `Line ${alone + 1}: at least two, with a comma between.` });
    try {
      const saved = await ask<SearchSettings>("/admin/search/settings", {
        method: "PUT",
        json: settingsOf(texts),
      });
      setFaults({});
      setTexts(textsOf(saved));
      onSaved(saved);
      tell("Saved. Searches follow within seconds.");
    } catch (error) {
      setFaults(error instanceof ApiError ? faultsOf(error) : {});
      tell((error as Error).message, "bad");
    }
  };
  return (
    <Panel title="Words" padded>
      <form
        class="stack"
        aria-label="Words"
        onSubmit={event => {
          event.preventDefault();
          void save();
        }}
      >
        <AreaField
          label="Synonyms"
          rows={6}
          value={texts.synonyms}
          onValue={write("synonyms")}
          fault={faults.synonyms}
          hint="A group a line, with commas: sofa, couch, settee. Each of them finds the others."
        />
        <AreaField
          label="Stop words"
          rows={3}
          value={texts.stopWords}
          onValue={write("stopWords")}
          fault={faults.stopWords}
          hint="Words that don't count, unless nothing else was asked for: the, with."
        />
        <TextField
          label="Languages"
          value={texts.languages}
          onValue={write("languages")}
          fault={faults.languages}
          hint="Of the shop's texts, such as en, de. Nothing: each text's is guessed."
        />
        <div class="row">
          <Button type="submit" tone="primary" disabled={!mayOperate("store")}>
            Save
          </Button>
        </div>
      </form>
    </Panel>
  );
}

/** `synonyms.2.0` is the third line's. */
function faultsOf({ errors }: ApiError): Partial<Texts> {
  const faults: Partial<Texts> = {};
  for (const { path, message } of errors) {
    const [name, line] = path.split(".") as [keyof Texts, string?];
    faults[name] ??= name === "synonyms" && line ? `Line ${Number(line) + 1}: ${message}` : message;
  }
  return faults;
}
