/** The keeper as other programs know it: the alert rules that it evaluates. Everything else of it runs by main.ts. */
export { prometheusRules, rules } from "./alerts/index.ts";
