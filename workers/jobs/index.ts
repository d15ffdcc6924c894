/**
 * The one list of handlers. Each is loaded by processes that serve its priority only: what a handler needs (a mail client, a
 * payment provider's SDK) is memory of every process that loads it.
 */
import {
  type Contract,
  catalogAttachMedia,
  catalogCountSale,
  catalogImport,
  catalogRebuild,
  catalogRegroup,
  catalogRestock,
  catalogSummarise,
  checkoutPay,
  customerErase,
  emailSend,
  imageConvert,
  maintenanceTidy,
  type Priority,
  paymentReconcile,
  searchIndex,
  searchRestock,
  stockCommit,
  stockRelease,
} from "../../bus/index.ts";
import type { JobDefinition } from "../handler.ts";
import { drillJobs } from "./drill.ts";

type Source = { readonly contract: Contract; load(): Promise<JobDefinition> };

const sources: readonly Source[] = [
  { contract: checkoutPay, load: async () => (await import("./checkout.pay.ts")).checkoutPayJob },
  {
    contract: paymentReconcile,
    load: async () => (await import("./payment.reconcile.ts")).paymentReconcileJob,
  },
  { contract: stockCommit, load: async () => (await import("./stock.commit.ts")).stockCommitJob },
  { contract: stockRelease, load: async () => (await import("./stock.release.ts")).stockReleaseJob },
  { contract: emailSend, load: async () => (await import("./email.send.ts")).emailSendJob },
  { contract: searchIndex, load: async () => (await import("./search.index.ts")).searchIndexJob },
  { contract: searchRestock, load: async () => (await import("./search.restock.ts")).searchRestockJob },
  { contract: catalogImport, load: async () => (await import("./catalog.import.ts")).catalogImportJob },
  {
    contract: catalogAttachMedia,
    load: async () => (await import("./catalog.attach_media.ts")).catalogAttachMediaJob,
  },
  { contract: catalogRestock, load: async () => (await import("./catalog.restock.ts")).catalogRestockJob },
  {
    contract: catalogSummarise,
    load: async () => (await import("./catalog.summarise.ts")).catalogSummariseJob,
  },
  { contract: catalogRegroup, load: async () => (await import("./catalog.regroup.ts")).catalogRegroupJob },
  {
    contract: catalogCountSale,
    load: async () => (await import("./catalog.count_sale.ts")).catalogCountSaleJob,
  },
  { contract: catalogRebuild, load: async () => (await import("./catalog.rebuild.ts")).catalogRebuildJob },
  { contract: imageConvert, load: async () => (await import("./image.convert.ts")).imageConvertJob },
  { contract: maintenanceTidy, load: async () => (await import("./maintenance.tidy.ts")).maintenanceTidyJob },
  { contract: customerErase, load: async () => (await import("./customer.erase.ts")).customerEraseJob },
];

/** The handlers of a priority's kinds. */
export async function loadJobs(priority: Priority): Promise<JobDefinition[]> {
  const mine = sources.filter(one => one.contract.priority === priority);
  const drills = drillJobs.filter(job => job.contract.priority === priority);
  return [...drills, ...(await Promise.all(mine.map(one => one.load())))];
}
