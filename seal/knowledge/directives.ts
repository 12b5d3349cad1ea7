/**
 * Optional training directives of a self-edit: its first non-empty line may be a JSON object such as
 * `{"learning_rate": 0.002, "num_train_epochs": 8, "loss_on": "completion"}`.
 *
 * Departure: in the paper knowledge self-edits carry text only; this is modelled on the `training` object of its few-shot
 * self-edits. The reference turns an invalid field into an untrained adapter; here it rejects the self-edit with a reason, a
 * value somewhat outside the campaign's limits is clamped with a note, and one more than 100 times outside is absurd.
 */
import { z } from 'zod';
import { describeValue } from '../bad-field';
import type { Directives, Limits } from '../domain';

/** A value this many times beyond a limit is taken for nonsense rather than ambition. */
const ABSURD_FACTOR = 100;

const directivesSchema = z.strictObject({
  learning_rate: z.number('a positive number').positive('a positive number').optional(),
  num_train_epochs: z.int('a whole number of at least 1').positive('a whole number of at least 1').optional(),
  loss_on: z.enum(['all', 'completion'], '"all" or "completion"').optional(),
});

export type ParsedDirectives =
  | { readonly accepted: true; readonly directives: Directives; readonly notes: readonly string[]; /** The self-edit without its directives. */ readonly rest: string }
  | { readonly accepted: false; readonly reason: string };

/** Takes the directives off the front of a self-edit; a self-edit whose first line does not open with `{` has none. */
export function parseDirectives(text: string, limits: Limits): ParsedDirectives {
  const [, line = '', rest = ''] = /^\s*([^\r\n]*)([^]*)$/.exec(text) ?? [];
  if (!line.startsWith('{')) return { accepted: true, directives: {}, notes: [], rest: text };
  const json = parsedJson(line);
  if (json === undefined) return { accepted: false, reason: `directives: expected a JSON object on one line, got ${describeValue(line)}` };
  const checked = directivesSchema.safeParse(json);
  if (!checked.success) return { accepted: false, reason: schemaReason(checked.error.issues[0]!, json) };

  const { learning_rate: learningRate, num_train_epochs: trainEpochs, loss_on: lossOn } = checked.data;
  const bounded = [
    bound('learning_rate', learningRate, limits.learningRate),
    bound('num_train_epochs', trainEpochs, limits.trainEpochs),
  ] as const;
  const absurd = bounded.find(({ reason }) => reason !== undefined);
  if (absurd?.reason !== undefined) return { accepted: false, reason: absurd.reason };
  return {
    accepted: true,
    directives: {
      ...(bounded[0].value !== undefined && { learningRate: bounded[0].value }),
      ...(bounded[1].value !== undefined && { trainEpochs: bounded[1].value }),
      ...(lossOn !== undefined && { lossOn }),
    },
    notes: bounded.flatMap(({ note }) => note ?? []),
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

function schemaReason(issue: z.core.$ZodIssue, json: unknown): string {
  if (issue.code === 'unrecognized_keys') {
    return `directives: expected only learning_rate, num_train_epochs and loss_on, got ${describeValue(issue.keys[0])}`;
  }
  const field = String(issue.path[0]);
  return `directives: ${field}: expected ${issue.message}, got ${describeValue((json as Record<string, unknown>)[field])}`;
}

interface Bounded {
  readonly value?: number;
  readonly note?: string;
  readonly reason?: string;
}

function bound(name: string, value: number | undefined, [low, high]: readonly [number, number]): Bounded {
  if (value === undefined) return {};
  if (value > high * ABSURD_FACTOR || value < low / ABSURD_FACTOR) {
    return { reason: `directives: ${name}: expected about ${low} to ${high}, got ${value}` };
  }
  const clamped = Math.min(Math.max(value, low), high);
  return clamped === value ? { value } : { value: clamped, note: `${name} ${value} clamped to ${clamped}` };
}
