/** The one list of all kinds of job. */
import { catalogAttachMedia } from "./catalog.attach_media.ts";
import { catalogCountSale } from "./catalog.count_sale.ts";
import { catalogImport } from "./catalog.import.ts";
import { catalogRebuild } from "./catalog.rebuild.ts";
import { catalogRegroup } from "./catalog.regroup.ts";
import { catalogRestock } from "./catalog.restock.ts";
import { catalogSummarise } from "./catalog.summarise.ts";
import { checkoutPay } from "./checkout.pay.ts";
import type { Contract } from "./contract.ts";
import { customerErase } from "./customer.erase.ts";
import { drills } from "./drills.ts";
import { emailSend } from "./email.send.ts";
import { imageBackfill } from "./image.backfill.ts";
import { imageConvert } from "./image.convert.ts";
import { maintenanceTidy } from "./maintenance.tidy.ts";
import { paymentReconcile } from "./payment.reconcile.ts";
import { recommendationsLearn } from "./recommendations.learn.ts";
import { searchCheck } from "./search.check.ts";
import { searchIndex } from "./search.index.ts";
import { searchReindex } from "./search.reindex.ts";
import { searchRestock } from "./search.restock.ts";
import { searchSettings } from "./search.settings.ts";
import { stockCommit } from "./stock.commit.ts";
import { stockRelease } from "./stock.release.ts";

export {
  catalogAttachMedia,
  catalogCountSale,
  catalogImport,
  catalogRebuild,
  catalogRegroup,
  catalogRestock,
  catalogSummarise,
  checkoutPay,
  customerErase,
  drills,
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
};

export const contracts: readonly Contract[] = [
  checkoutPay,
  paymentReconcile,
  stockCommit,
  stockRelease,
  emailSend,
  searchIndex,
  searchRestock,
  searchSettings,
  catalogRestock,
  catalogSummarise,
  catalogRegroup,
  catalogCountSale,
  catalogAttachMedia,
  imageBackfill,
  imageConvert,
  catalogImport,
  catalogRebuild,
  searchReindex,
  recommendationsLearn,
  searchCheck,
  maintenanceTidy,
  customerErase,
  ...drills,
];

const byKind = new Map(contracts.map(contract => [contract.kind, contract]));

/** The contract of a kind, or undefined when there is no such kind. */
export function contractOf(kind: string): Contract | undefined {
  return byKind.get(kind);
}
