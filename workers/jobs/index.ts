/** The one list of handlers. */
import type { JobDefinition } from "../handler.ts";
import { catalogAttachMediaJob } from "./catalog.attach_media.ts";
import { catalogImportJob } from "./catalog.import.ts";
import { drillJobs } from "./drill.ts";
import { imageConvertJob } from "./image.convert.ts";

export const jobs: readonly JobDefinition[] = [
  ...drillJobs,
  catalogImportJob,
  catalogAttachMediaJob,
  imageConvertJob,
];
