/** What a merchant says about how the shop is searched. */
import { Elysia, t } from "elysia";
import {
  saveSearchSettings,
  searchLanguages,
  searchSettings,
  settingsLimits,
} from "../../../../search/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { oneOf } from "../../http/one-of.ts";

const { groups, groupSize, stopWords, word, languages } = settingsLimits;
const text = t.String({ minLength: 1, maxLength: word });

const settings = t.Object(
  {
    synonyms: t.Array(t.Array(text, { minItems: 2, maxItems: groupSize }), {
      maxItems: groups,
      description: "Groups of words, or phrases, that stand for one another.",
    }),
    stopWords: t.Array(text, {
      maxItems: stopWords,
      description: "Words that don't count, unless nothing else was asked for.",
    }),
    languages: t.Array(oneOf(searchLanguages), {
      maxItems: languages,
      description: "The languages that the shop's texts are in, ISO 639-1. Empty: each text's is guessed.",
    }),
  },
  {
    additionalProperties: false,
    examples: [
      { synonyms: [["sofa", "couch", "settee"]], stopWords: ["the", "with"], languages: ["en", "de"] },
    ],
  },
);

export function searchSettingsRoutes({ sql, bus, ...deps }: ApiDeps) {
  return new Elysia({ prefix: "/admin/search/settings", detail: { tags: ["admin"] } })
    .use(adminAuth({ sql, bus, ...deps }))
    .get("/", ({ access }) => searchSettings(sql, access.storeId), {
      detail: { summary: "Synonyms, stop words and languages of the shop's search" },
      response: documented({ 200: settings }),
    })
    .put(
      "/",
      async ({ author, body }) => {
        const saved = await saveSearchSettings(sql, author, body);
        bus.poke();
        return saved;
      },
      {
        body: settings,
        detail: {
          summary: "Set synonyms, stop words and languages",
          description:
            "Words are folded: without case and accents. Searches follow within seconds; in a large shop the engine needs longer to go through its products.",
        },
        response: documented({ 200: settings }),
      },
    );
}
