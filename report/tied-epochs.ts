/** In one sentence, for people; null where selection had something to go by in every epoch. */
export function tiedSentence(epochs: readonly number[]): string | null {
  if (epochs.length === 0) return null;
  return `Epoch${epochs.length === 1 ? '' : 's'} ${epochs.join(', ')}: in every context all rewards are equal, so that selection kept what was proposed first and says nothing.`;
}
