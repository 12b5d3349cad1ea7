/** What a figure counts; of all of them less is better. */
export type Unit = 'ms' | 's' | 'MB';

/** One line of the table: ours against one peer. */
export interface Row {
  readonly group: string;
  readonly work: string;
  /** Who is compared with, and what must be known about it. */
  readonly peer: string;
  readonly unit: Unit;
  readonly ours: number | null;
  readonly theirs: number | null;
  /** Why a figure is missing, or how it was obtained. */
  readonly note?: string;
}

/** How many times ours goes into theirs: above 1 ours is better. */
export function ratio({ ours, theirs }: Row): number | null {
  return ours === null || theirs === null ? null : theirs / ours;
}

const WORK_WIDTH = 44;
const PEER_WIDTH = 30;
const FIGURE_WIDTH = 12;

export function heading(): string {
  return line('work', 'peer', 'ours', 'theirs', 'ratio', '');
}

export function formatted(row: Row): string {
  const figure = (value: number | null): string => (value === null ? '-' : `${value.toFixed(digits(value, row.unit))} ${row.unit}`);
  const times = ratio(row);
  return line(row.work, row.peer, figure(row.ours), figure(row.theirs), times === null ? '-' : `${times.toFixed(2)}x`, row.note ?? '');
}

function line(work: string, peer: string, ours: string, theirs: string, times: string, note: string): string {
  const figures = [ours, theirs, times].map((cell) => cell.padStart(FIGURE_WIDTH)).join('');
  return `${work.padEnd(WORK_WIDTH)}${peer.padEnd(PEER_WIDTH)}${figures}${note === '' ? '' : `  ${note}`}`;
}

function digits(value: number, unit: Unit): number {
  if (unit === 'MB') return 0;
  return value < 10 ? 2 : 1;
}
