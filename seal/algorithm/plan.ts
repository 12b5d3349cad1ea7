/**
 * Where each piece of a campaign's work stands: all arithmetic between positions, contexts, candidates, groups and chunks.
 *
 * The candidates of a scope are numbered by position, context by context in the campaign's order: with k candidates a context, position
 * p is candidate p mod k + 1 of context floor(p / k). Groups cut positions, chunks cut contexts, both at fixed places, since the shape of a
 * batch may shape its bits.
 */

/** from, from + 1, ..., to - 1. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A candidate by its context's place (from 0) and its own number there (from 1). */
export interface CandidatePlace {
  readonly context: number;
  readonly candidate: number;
}

export function placeOf(position: number, perContext: number): CandidatePlace {
  return { context: Math.floor(position / perContext), candidate: (position % perContext) + 1 };
}

export function positionOf({ context, candidate }: CandidatePlace, perContext: number): number {
  return context * perContext + candidate - 1;
}

/** Numbers of a range, in order. */
export function numbersIn({ from, to }: Range): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** 0..count-1 cut into groups of `size`; the last may be smaller. */
export function groupsOf(count: number, size: number): Range[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => groupAt(i * size, size, count));
}

/** The group that a position belongs to. */
export function groupAt(position: number, size: number, count: number): Range {
  const from = Math.floor(position / size) * size;
  return { from, to: Math.min(from + size, count) };
}

/** Number of chunks (numbered from 1) that cover so many contexts. */
export function chunkCount(contexts: number, contextsPerChunk: number): number {
  return Math.ceil(contexts / contextsPerChunk);
}

/** Places of the contexts of a chunk. */
export function contextsOfChunk(chunk: number, contextsPerChunk: number, contexts: number): Range {
  return groupAt((chunk - 1) * contextsPerChunk, contextsPerChunk, contexts);
}

/** The chunk that a context's place belongs to. */
export function chunkOf(context: number, contextsPerChunk: number): number {
  return Math.floor(context / contextsPerChunk) + 1;
}

/** Positions of the candidates of these contexts. */
export function positionsOfContexts({ from, to }: Range, perContext: number): Range {
  return { from: from * perContext, to: to * perContext };
}

/** A list over positions, cut into one list a context. */
export function byContext<Item>(items: readonly Item[], perContext: number): Item[][] {
  return groupsOf(items.length, perContext).map(({ from, to }) => items.slice(from, to));
}
