import { type Component, type Readers, readComponent } from './component';

/** Rewrites a text before it is cut. */
export type Normalizer = (text: string) => string;

/** @throws BadInputError naming the field that is not known to do what Python's does. null: nothing is rewritten */
export function readNormalizer(value: unknown, where: string): Normalizer | null {
  return value === null ? null : readComponent(value, where, NORMALIZERS);
}

const NORMALIZERS: Readers<Normalizer> = {
  Sequence: (component) => {
    const parts = component.list('normalizers', (value, where) => readComponent(value, where, NORMALIZERS));
    return (text) => parts.reduce((rewritten, part) => part(rewritten), text);
  },
  Prepend: (component) => {
    const prefix = component.text('prepend');
    return (text) => (text === '' ? '' : prefix + text);
  },
  Replace: readReplacement,
  // The other forms of Unicode depend on its version more than this one, which is stable by its definition.
  NFC: () => (text) => text.normalize('NFC'),
};

/** `Replace` of a text, as normalizers and decoders have it. */
export function readReplacement(component: Component): Normalizer {
  const pattern = component.object('pattern');
  const { String: from } = pattern;
  if (typeof from !== 'string' || from === '' || Object.keys(pattern).length !== 1) component.refuse('pattern', '{"String": a text}');
  const to = component.value('content');
  if (typeof to !== 'string') component.refuse('content', 'a text');
  return (text) => text.replaceAll(from, () => to);
}
