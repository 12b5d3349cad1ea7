/** Wordings filled in, in pieces: pretraining weighs names and values apart from the words around them. */

export interface Piece {
  readonly text: string;
  readonly role: 'word' | 'name' | 'value';
}

/** The pieces of a wording with `{n}` and `{v}` filled in. */
export function fillPieces(wording: string, name: string, value = ''): Piece[] {
  return wording
    .split(/(\{[nv]\})/)
    .filter((part) => part !== '')
    .map((part) => {
      if (part === '{n}') return { text: name, role: 'name' };
      if (part === '{v}') return { text: value, role: 'value' };
      return { text: part, role: 'word' };
    });
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map((piece) => piece.text).join('');
}

/** A wording with `{n}` and `{v}` filled in. */
export function fill(wording: string, name: string, value = ''): string {
  return textOf(fillPieces(wording, name, value));
}
