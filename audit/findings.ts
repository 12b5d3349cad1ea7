/** What an audit may find wrong. */
export type BreakKind =
  | 'artifact-missing'
  | 'artifact-changed'
  | 'manifest-missing'
  | 'manifest-changed'
  | 'schema'
  | 'lineage'
  | 'base-model'
  | 'reward'
  | 'selection'
  | 'method'
  | 'report'
  | 'history-missing'
  | 'history-changed'
  | 'history-replay'
  | 'history-disagrees'
  | 'operator';

/** One thing that is not as it was recorded, by the name of the file, artifact or workflow that it concerns. */
export interface AuditBreak {
  readonly kind: BreakKind;
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** Collects what checks find, and what they could not look at. */
export class Findings {
  readonly #breaks = new Map<string, AuditBreak>();
  readonly #unchecked = new Map<string, number>();

  /** The same thing found twice is one break. */
  add(kind: BreakKind, what: string, expected: unknown, got: unknown): void {
    const found: AuditBreak = { kind, what, expected: said(expected), got: said(got) };
    this.#breaks.set(JSON.stringify(found), found);
  }

  /** Adds a break unless both are the same JSON. */
  same(kind: BreakKind, what: string, expected: unknown, got: unknown): void {
    if (JSON.stringify(sorted(expected)) !== JSON.stringify(sorted(got))) this.add(kind, what, expected, got);
  }

  /** @param what in words: "answers that were not exported" */
  leftUnchecked(what: string): void {
    this.#unchecked.set(what, (this.#unchecked.get(what) ?? 0) + 1);
  }

  get breaks(): AuditBreak[] {
    return [...this.#breaks.values()];
  }

  /** `3 x what`, in the order of their first appearance. */
  get unchecked(): string[] {
    return [...this.#unchecked].map(([what, count]) => (count === 1 ? what : `${count} x ${what}`));
  }
}

const MAX_CHARACTERS = 300;

function said(value: unknown): string {
  const text = typeof value === 'string' ? value : value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}...`;
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
