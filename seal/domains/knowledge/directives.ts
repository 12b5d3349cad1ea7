/**
 * Optional training directives of a self-edit: its first non-empty line may be a JSON object such as
 * `{"learning_rate": 0.002, "num_train_epochs": 8, "loss_on": "completion"}`.
 *
 * Departure: in the paper knowledge self-edits carry text only; this is modelled on the `training` object of its
 * few-shot self-edits. The reference turns an invalid field into an untrained adapter; here it rejects the self-edit
 * with a reason, a value somewhat outside the campaign's limits is clamped with a note, and one more than 100 times
 * outside is absurd.
 */
import { z } from 'zod';
import { describeValue } from '../../../campaign/bad-field';
import type { CampaignSpec } from '../../../campaign/campaign-spec';
import type { Directives } from '../domain';

/** Bounds for what a self-edit may ask for. */
export type Limits = CampaignSpec['limits'];

/** A value this many times beyond a limit is taken for nonsense rather than ambition. */
const ABSURD_FACTOR = 100;

const directivesSchema = z.strictObject({
  learning_rate: z.number('a positive number').positive('a positive number').optional(),
  num_train_epochs: z.int('a whole number of at least 1').positive('a whole number of at least 1').optional(),
  loss_on: z.enum(['all', 'completion'], '"all" or "completion"').optional(),
});

export type ParsedDirectives =
  | {
      readonly accepted: true;
      readonly directives: Directives;
      readonly notes: readonly string[];
      /** The self-edit without its directives. */
      readonly rest: string;
    }
  | { readonly accepted: false; readonly reason: string };

/** Takes the directives off the front of a self-edit; a self-edit whose first line does not open with `{` has none. */
export function parseDirectives(text: string, limits: Limits): ParsedDirectives {
  const [, line = '', rest = ''] = /^\s*([^\r\n]*)([^]*)$/.exec(text) ?? [];
  if (!line.startsWith('{')) return { accepted: true, directives: {}, notes: [], rest: text };
  const json = parsedJson(line);
  if (json === undefined) return rejected('', 'a JSON object on one line', line);
  const asked = directivesSchema.safeParse(json);
  if (!asked.success) return rejectedField(asked.error.issues[0]!, json);

  const { learning_rate, num_train_epochs, loss_on: lossOn } = asked.data;
  const learningRate = bounded('learning_rate', learning_rate, limits.learningRate);
  const trainEpochs = bounded('num_train_epochs', num_train_epochs, limits.trainEpochs);
  const absurd = learningRate.absurd ?? trainEpochs.absurd;
  if (absurd !== undefined) return absurd;
  return {
    accepted: true,
    directives: {
      ...(learningRate.value === undefined ? {} : { learningRate: learningRate.value }),
      ...(trainEpochs.value === undefined ? {} : { trainEpochs: trainEpochs.value }),
      ...(lossOn === undefined ? {} : { lossOn }),
    },
    notes: [...learningRate.notes, ...trainEpochs.notes],
    rest,
  };
}

/** undefined when it is not JSON; JSON itself has no undefined. */
function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Rejected = Extract<ParsedDirectives, { accepted: false }>;

function rejected(field: string, expected: string, got: unknown): Rejected {
  const where = field === '' ? 'directives' : `directives: ${field}`;
  return { accepted: false, reason: `${where}: expected ${expected}, got ${describeValue(got)}` };
}

function rejectedField(issue: z.core.$ZodIssue, json: unknown): Rejected {
  if (issue.code === 'unrecognized_keys') {
    return rejected('', 'only learning_rate, num_train_epochs and loss_on', issue.keys[0]);
  }
  const field = String(issue.path[0]);
  return rejected(field, issue.message, (json as Record<string, unknown>)[field]);
}

interface Bounded {
  /** Inside the limits; absent where nothing was asked. */
  readonly value?: number;
  readonly notes: readonly string[];
  readonly absurd?: Rejected;
}

function bounded(field: string, asked: number | undefined, [low, high]: readonly [number, number]): Bounded {
  if (asked === undefined) return { notes: [] };
  if (asked > high * ABSURD_FACTOR || asked < low / ABSURD_FACTOR) {
    return { notes: [], absurd: rejected(field, `about ${low} to ${high}`, asked) };
  }
  const value = Math.min(Math.max(asked, low), high);
  return { value, notes: value === asked ? [] : [`${field} ${asked} clamped to ${value}`] };
}
