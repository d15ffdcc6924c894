/** Stock locations. */
import { Elysia, t } from "elysia";
import {
  changeLocation,
  createLocation,
  deleteLocation,
  getLocation,
  listLocations,
} from "../../../../commerce/inventory/index.ts";
import type { ApiDeps } from "../../deps.ts";
import { adminAuth } from "../../http/auth.ts";
import { documented } from "../../http/documented.ts";
import { expectedVersion, versionTag } from "../../http/if-match.ts";
import {
  DEFAULT_PAGE,
  idParams,
  locationChange,
  locationView,
  newLocation,
  page,
  pageView,
} from "./inventory.schema.ts";

const response = documented({ 200: locationView });

export function locationRoutes(deps: ApiDeps) {
  const { sql } = deps;
  return new Elysia({ prefix: "/admin/locations", detail: { tags: ["admin"] } })
    .use(adminAuth(deps))
    .get(
      "/",
      ({ access, query: { limit = DEFAULT_PAGE, cursor } }) =>
        listLocations(sql, access.storeId, { limit, cursor }),
      {
        query: t.Object(page, { additionalProperties: false }),
        detail: { summary: "Stock locations, oldest first" },
        response: documented({ 200: pageView(locationView) }),
      },
    )
    .post(
      "/",
      async ({ author, body, set }) => {
        const location = await createLocation(sql, author, body);
        set.status = 201;
        set.headers.location = `/admin/locations/${location.id}`;
        set.headers.etag = versionTag(location.version);
        return location;
      },
      {
        body: newLocation,
        detail: { summary: "A new location; the first of a store is its default one" },
        response: documented({ 201: locationView }),
      },
    )
    .get(
      "/:id",
      async ({ access, params, set }) => {
        const location = await getLocation(sql, access.storeId, params.id);
        set.headers.etag = versionTag(location.version);
        return location;
      },
      { params: idParams, detail: { summary: "One location" }, response },
    )
    .patch(
      "/:id",
      async ({ author, params, body, request, set }) => {
        const expected = expectedVersion(request.headers);
        const location = await changeLocation(sql, author, params.id, expected, body);
        set.headers.etag = versionTag(location.version);
        return location;
      },
      {
        params: idParams,
        body: locationChange,
        detail: {
          summary: "Rename, make the default, switch on or off",
          description:
            "Wants `If-Match`. 409 `location_in_use` when it is to be switched off and still has stock or an open transfer.",
        },
        response,
      },
    )
    .delete(
      "/:id",
      async ({ author, params, request }) => {
        await deleteLocation(sql, author, params.id, expectedVersion(request.headers));
      },
      {
        params: idParams,
        detail: {
          summary: "Delete a location that never held stock",
          description: "Wants `If-Match`. 409 `location_in_use` otherwise.",
        },
      },
    );
}
