/**
 * Milliseconds that a `Retry-After` header asks to wait, or null where there is none that can be understood.
 * Source: RFC 9110, section 10.2.3: whole seconds, or a date.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | null {
  const value = header?.trim() ?? '';
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  // Date.parse takes "1.5" and "-3" for years: a date has letters.
  const date = /[A-Za-z]/.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
