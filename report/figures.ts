/** How numbers are written on the page. */

/** A duration for people. @param value seconds */
export function seconds(value: number): string {
  if (value < 120) return `${value.toFixed(1)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 120) return `${minutes} min ${Math.floor(value % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** @param bytes 0 where none was measured */
export function memory(bytes: number): string {
  return bytes === 0 ? 'not measured' : `${whole(bytes / 2 ** 20)} MiB`;
}

export function money(amount: number, { currency }: { readonly currency: string }): string {
  return `${amount.toFixed(amount < 1 ? 4 : 2)} ${currency}`;
}

export function score(value: number): string {
  return minus(value.toFixed(4));
}

export function signed(value: number): string {
  // A difference by rounding alone has no sign.
  return minus(`${Number(value.toFixed(4)) < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`);
}

/** A correlation; null where there is none. */
export function correlationFigure(value: number | null): string {
  return value === null ? 'none' : minus(value.toFixed(3));
}

export function loss(value: number): string {
  return value.toFixed(3);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** `1 candidate`, `2 candidates`. */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function minus(figure: string): string {
  return figure.replace('-', '−');
}
