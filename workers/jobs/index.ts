/** The one list of handlers. */
import type { JobDefinition } from "../handler.ts";
import { drillJobs } from "./drill.ts";
import { imageConvertJob } from "./image.convert.ts";

export const jobs: readonly JobDefinition[] = [...drillJobs, imageConvertJob];
