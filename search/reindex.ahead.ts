/** Reads the next part while the one before is sent; ends when both have. `read` gives null when there is none. */
export async function readAhead<T>(
  read: () => Promise<T | null>,
  send: (part: T) => Promise<void>,
): Promise<void> {
  let sent = Promise.resolve();
  try {
    for (;;) {
      const part = await read();
      await sent;
      if (part === null) return;
      sent = send(part);
      // It is awaited, but only when the next part is there.
      sent.catch(() => {});
    }
  } finally {
    await sent;
  }
}
