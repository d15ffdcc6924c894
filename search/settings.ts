/**
 * What merchants say about how their shop is searched: words that stand for one another, words that don't count, languages.
 * Kept in Postgres, which the fallback reads, and brought to the engine by a job: index-state.ts compares hashes.
 */
import { emit } from "../bus/index.ts";
import { type Author, diff, recordAudit } from "../commerce/audit/index.ts";
import { type FieldError, invalid } from "../platform/errors.ts";
import { type Db, type Sql, transaction } from "../platform/postgres/index.ts";
import type { IndexedEngine, StoreSettings } from "./engine.ts";
import { fold } from "./fold.ts";
import { prepareIndex } from "./index-state.ts";
import { withIndexLock } from "./lock.ts";
import { selectSettings, upsertSettings } from "./settings.store.ts";
import { selectIndex } from "./store.ts";
import { taskOutcome } from "./tasks.ts";

export const settingsLimits = {
  groups: 500,
  groupSize: 20,
  stopWords: 500,
  word: 60,
  languages: 10,
} as const;

/** Those of ISO 639-1 that the engine can tell apart and Postgres can stem, or at least fold. */
export const searchLanguages = [
  "ar",
  "da",
  "de",
  "el",
  "en",
  "es",
  "fi",
  "fr",
  "he",
  "hi",
  "hu",
  "it",
  "ja",
  "ko",
  "nl",
  "no",
  "pl",
  "pt",
  "ro",
  "ru",
  "sv",
  "th",
  "tr",
  "uk",
  "zh",
] as const;

/** As they were saved; what was never set is empty. */
export function searchSettings(sql: Sql, storeId: string): Promise<StoreSettings> {
  return selectSettings(sql, storeId);
}

/** Returns them as they are saved: folded, each word once. @throws Problem 422 with the places of what won't do. */
export async function saveSearchSettings(
  sql: Db,
  author: Author,
  wanted: StoreSettings,
): Promise<StoreSettings> {
  const settings = checked(wanted);
  const { storeId } = author;
  await transaction(sql, async tx => {
    const before = await selectSettings(tx, storeId);
    await upsertSettings(tx, storeId, settings);
    await recordAudit(tx, {
      ...author,
      action: "update",
      entity: "search_settings",
      entityId: storeId,
      changes: diff({ ...before }, { ...settings }),
    });
    await emit(tx, { storeId }, { type: "search.settings_changed" });
  });
  return settings;
}

/**
 * Has the engine know them, if the store has an index; returns when it does. Whoever makes an index later begins with them.
 * @throws when the engine does not answer, or refuses.
 */
export async function applySearchSettings(
  deps: { sql: Db; engine: IndexedEngine | null },
  storeId: string,
  signal?: AbortSignal,
): Promise<void> {
  const { sql, engine } = deps;
  if (!engine) return;
  const task = await withIndexLock(sql, storeId, async held => {
    if (!(await selectIndex(held, storeId))) return null;
    await prepareIndex({ sql, engine }, held, storeId, []);
    return (await selectIndex(held, storeId))?.settingsTask ?? null;
  });
  if (task === null) return;
  const ended = await taskOutcome(engine, task, signal);
  if (ended.type !== "succeeded") throw new Error(`settings not applied: ${ended.error}`);
}

const WORD = /^[\p{L}\p{N}][\p{L}\p{N} '’.&+-]*$/u;

function checked({ synonyms, stopWords, languages }: StoreSettings): StoreSettings {
  const errors: FieldError[] = [];
  const word = (path: string, raw: string): string => {
    const text = fold(raw.trim().replace(/\s+/g, " "));
    if (!WORD.test(text)) errors.push({ path, message: "must be a word of letters and digits" });
    return text;
  };
  const groups = synonyms.map((group, g) => {
    const unique = [...new Set(group.map((raw, i) => word(`synonyms.${g}.${i}`, raw)))];
    if (unique.length < 2) errors.push({ path: `synonyms.${g}`, message: "must have two different words" });
    return unique;
  });
  const stops = [...new Set(stopWords.map((raw, i) => word(`stopWords.${i}`, raw)))];
  for (const [i, one] of stops.entries()) {
    if (one.includes(" ")) errors.push({ path: `stopWords.${i}`, message: "must be one word" });
  }
  if (errors.length > 0) throw invalid(errors.slice(0, 20));
  return { synonyms: groups, stopWords: stops, languages: [...new Set(languages)] };
}
