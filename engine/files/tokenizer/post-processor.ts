import { describeValue, isJsonObject } from '../json-file';
import { type Readers, readComponent } from './component';

/** Ids that stand around those of a prompt. */
export interface Surround {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NOTHING: Surround = { before: [], after: [] };

/** @throws BadInputError naming the field that is not known to do what Python's does. null: nothing is added */
export function readPostProcessor(value: unknown, where: string): Surround {
  return value === null ? NOTHING : readComponent(value, where, POST_PROCESSORS);
}

const POST_PROCESSORS: Readers<Surround> = {
  // Changes offsets alone.
  ByteLevel: (component) => {
    component.ignore('add_prefix_space', 'trim_offsets', 'use_regex');
    return NOTHING;
  },
  Sequence: (component) => {
    const parts = component.list('processors', (value, where) => readComponent(value, where, POST_PROCESSORS));
    const [surround = NOTHING, ...more] = parts.filter((part) => part !== NOTHING);
    return more.length === 0 ? surround : component.refuse('processors', 'at most one TemplateProcessing', `${more.length + 1}`);
  },
  TemplateProcessing: (component) => {
    component.ignore('pair');
    const special = component.object('special_tokens');
    const surround = { before: [] as number[], after: [] as number[] };
    let sequences = 0;
    component.list('single', (piece) => {
      const { Sequence: sequence, SpecialToken: token } = isJsonObject(piece) ? piece : {};
      if (isJsonObject(sequence) && sequence['id'] === 'A') sequences += 1;
      else (sequences === 0 ? surround.before : surround.after).push(...idsOf(isJsonObject(token) ? special[String(token['id'])] : undefined));
    });
    return sequences === 1 ? surround : component.refuse('single', 'the sequence A once');

    function idsOf(token: unknown): readonly number[] {
      const ids = isJsonObject(token) ? token['ids'] : undefined;
      if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && id >= 0)) return ids as number[];
      return component.refuse('single', 'the sequence A and special_tokens with their ids', describeValue(ids));
    }
  },
};
