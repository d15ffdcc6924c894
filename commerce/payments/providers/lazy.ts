import type { PaymentProvider } from "../provider.ts";

/** A provider whose code is loaded at its first call: an SDK is memory of every process that has it. */
export function lazyProvider(name: string, load: () => Promise<PaymentProvider>): PaymentProvider {
  let loading: Promise<PaymentProvider> | undefined;
  const loaded = () => {
    loading ??= load();
    return loading;
  };
  return {
    name,
    authorise: async (...args) => (await loaded()).authorise(...args),
    capture: async (...args) => (await loaded()).capture(...args),
    refund: async (...args) => (await loaded()).refund(...args),
    void: async (...args) => (await loaded()).void(...args),
    lookup: async (...args) => (await loaded()).lookup(...args),
  };
}
