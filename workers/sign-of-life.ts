const INTERVAL_MS = 500;

/**
 * Tells who started this process, if somebody listens, that its event loop turns. A process that hangs tells nothing, and is killed for
 * it; one whose supervisor is gone goes on.
 *
 * @param intervalMs @default 500
 */
export function giveSignsOfLife(intervalMs = INTERVAL_MS): void {
  if (process.send === undefined) return;
  const tell = (): void => {
    // A supervisor that ends in this moment is noticed by the event below.
    if (process.connected) process.send?.('alive', undefined, undefined, () => undefined);
  };
  tell();
  const timer = setInterval(tell, intervalMs).unref();
  process.once('disconnect', () => clearInterval(timer));
}
