/**
 * The one list of handlers. Each is loaded at its first job: what it needs (the modules of the shop, a mail client, an SDK) is
 * memory of every process that loads it, and an idle process shall be small.
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
  imageBackfill,
  imageConvert,
  maintenanceTidy,
  paymentReconcile,
  recommendationsLearn,
  searchCheck,
  searchIndex,
  searchReindex,
  searchRestock,
  searchSettings,
  stockCommit,
  stockRelease,
} from "../../bus/index.ts";
import type { BatchHandler, Handler, JobDefinition } from "../handler.ts";
import { drillJobs } from "./drill.ts";

type Source = { readonly contract: Contract; load(): Promise<JobDefinition> };

export const sources: readonly Source[] = [
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
  { contract: searchSettings, load: async () => (await import("./search.settings.ts")).searchSettingsJob },
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
  { contract: imageBackfill, load: async () => (await import("./image.backfill.ts")).imageBackfillJob },
  { contract: imageConvert, load: async () => (await import("./image.convert.ts")).imageConvertJob },
  { contract: searchCheck, load: async () => (await import("./search.check.ts")).searchCheckJob },
  { contract: searchReindex, load: async () => (await import("./search.reindex.ts")).searchReindexJob },
  {
    contract: recommendationsLearn,
    load: async () => (await import("./recommendations.learn.ts")).recommendationsLearnJob,
  },
  { contract: maintenanceTidy, load: async () => (await import("./maintenance.tidy.ts")).maintenanceTidyJob },
  { contract: customerErase, load: async () => (await import("./customer.erase.ts")).customerEraseJob },
];

export const jobs: readonly JobDefinition[] = [...drillJobs, ...sources.map(lazily)];

/** Batch kinds have batch handlers, and no others have (a test checks it): so the form is known before the handler is. */
function lazily({ contract, load }: Source): JobDefinition {
  return {
    contract,
    make(deps) {
      let loading: Promise<Handler & BatchHandler> | undefined;
      const loaded = () => {
        loading ??= load().then(job => job.make(deps) as Handler & BatchHandler);
        return loading;
      };
      const close = async () => {
        await (await loading)?.close?.();
      };
      return contract.batch
        ? { runBatch: async (jobs, context) => (await loaded()).runBatch(jobs, context), close }
        : { run: async (job, context) => (await loaded()).run(job, context), close };
    },
  };
}
