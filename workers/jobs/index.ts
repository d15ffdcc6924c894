/** The one list of handlers. */
import type { JobDefinition } from "../handler.ts";
import { catalogAttachMediaJob } from "./catalog.attach_media.ts";
import { catalogCountSaleJob } from "./catalog.count_sale.ts";
import { catalogImportJob } from "./catalog.import.ts";
import { catalogRebuildJob } from "./catalog.rebuild.ts";
import { catalogRegroupJob } from "./catalog.regroup.ts";
import { catalogRestockJob } from "./catalog.restock.ts";
import { catalogSummariseJob } from "./catalog.summarise.ts";
import { checkoutPayJob } from "./checkout.pay.ts";
import { customerEraseJob } from "./customer.erase.ts";
import { drillJobs } from "./drill.ts";
import { emailSendJob } from "./email.send.ts";
import { imageConvertJob } from "./image.convert.ts";
import { maintenanceTidyJob } from "./maintenance.tidy.ts";
import { paymentReconcileJob } from "./payment.reconcile.ts";
import { searchIndexJob } from "./search.index.ts";
import { searchRestockJob } from "./search.restock.ts";
import { stockCommitJob } from "./stock.commit.ts";
import { stockReleaseJob } from "./stock.release.ts";

export const jobs: readonly JobDefinition[] = [
  ...drillJobs,
  checkoutPayJob,
  paymentReconcileJob,
  stockCommitJob,
  stockReleaseJob,
  emailSendJob,
  searchIndexJob,
  searchRestockJob,
  catalogImportJob,
  catalogAttachMediaJob,
  catalogRestockJob,
  catalogSummariseJob,
  catalogRegroupJob,
  catalogCountSaleJob,
  catalogRebuildJob,
  imageConvertJob,
  maintenanceTidyJob,
  customerEraseJob,
];
