import type { Sql } from "../platform/postgres/index.ts";
import type { StoreSettings } from "./engine.ts";

const NONE: StoreSettings = { synonyms: [], stopWords: [], languages: [] };

/** A store without a row has said nothing. */
export async function selectSettings(sql: Sql, storeId: string): Promise<StoreSettings> {
  const [row] = await sql<StoreSettings[]>`
    SELECT synonyms, stop_words AS "stopWords", languages FROM search.settings WHERE store_id = ${storeId}`;
  return row ?? NONE;
}

export async function upsertSettings(sql: Sql, storeId: string, settings: StoreSettings): Promise<void> {
  await sql`
    INSERT INTO search.settings (store_id, synonyms, stop_words, languages)
    VALUES (${storeId}, ${sql.json(settings.synonyms as never)}, ${settings.stopWords as string[]},
            ${settings.languages as string[]})
    ON CONFLICT (store_id) DO UPDATE SET synonyms = EXCLUDED.synonyms, stop_words = EXCLUDED.stop_words,
      languages = EXCLUDED.languages, updated_at = now()`;
}
