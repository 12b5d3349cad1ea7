/** Prompts that begin with the same tokens. */
export interface PromptFamily {
  /** Tokens that all of them share and that are computed once; 0: none. At least one token of each prompt is left. */
  readonly shared: number;
  /** Indices of the prompts. */
  readonly members: readonly number[];
}

/** A shared beginning is computed apart from this many tokens on, and if it spares at least `SPARED` in all: below, the run for it costs more. */
const SHORTEST = 16;
const SPARED = 64;

/**
 * Cuts different prompts, in their order, into families of neighbours: those of one context follow each other. A prompt that would
 * halve what a family shares starts the next, so that the instructions that all prompts share do not hide a passage that some do.
 */
export function promptFamilies(prompts: readonly (readonly number[])[]): PromptFamily[] {
  const families: { shared: number; members: number[] }[] = [];
  prompts.forEach((prompt, index) => {
    const family = families.at(-1);
    const shared = family === undefined ? 0 : commonLength(prompts[family.members[0] as number] as readonly number[], prompt, family.shared);
    const joins = family !== undefined && shared >= SHORTEST && (family.members.length === 1 || 2 * shared > family.shared);
    if (joins) {
      family.members.push(index);
      family.shared = shared;
    } else families.push({ shared: prompt.length - 1, members: [index] });
  });
  return families.map(({ shared, members }) => ({ members, shared: shared * (members.length - 1) >= SPARED ? shared : 0 }));
}

/** Tokens that two prompts begin with, at most `limit` and fewer than either has. */
function commonLength(a: readonly number[], b: readonly number[], limit: number): number {
  const most = Math.min(limit, a.length - 1, b.length - 1);
  for (let i = 0; i < most; i += 1) if (a[i] !== b[i]) return i;
  return most;
}
