export async function runFirstLight(_stack: unknown, say: (t: string) => void) {
  say("first light");
}
