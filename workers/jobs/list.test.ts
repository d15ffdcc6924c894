import { expect, test } from "bun:test";
import { contracts, priorities } from "../../bus/index.ts";
import { loadJobs } from "./index.ts";

test("every kind has one handler, loaded where its priority is served", async () => {
  for (const priority of priorities) {
    const loaded = (await loadJobs(priority)).map(job => job.contract);
    const wanted = contracts.filter(contract => contract.priority === priority);
    expect(loaded.map(one => one.kind).toSorted()).toEqual(wanted.map(one => one.kind).toSorted());
    for (const contract of loaded) expect(wanted).toContain(contract);
  }
});
