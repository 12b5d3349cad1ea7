import { BadInputError } from '../../contracts/errors';
import { ConfigFields } from './config-fields';
import { describeValue, isJsonObject, type JsonObject } from './json-file';

/** How the rotary frequencies of a model with a stretched context differ from theta^(-2i/D). */
export type RopeScaling =
  /** All frequencies divided by `factor`. */
  | { readonly type: 'linear'; readonly factor: number }
  /**
   * Low frequencies divided by `factor`, high ones kept, a blend between. A frequency is high if its wave fits
   * `highFrequencyFactor` times or more into `originalContextLength` positions, low if `lowFrequencyFactor` times or less.
   */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContextLength: number;
    };

export interface RopeConfig {
  readonly ropeTheta: number;
  /** null: frequencies as they are. */
  readonly ropeScaling: RopeScaling | null;
}

/** The older spelling, with theta beside it, and the one of transformers 5, with theta inside. */
const SPELLINGS = ['rope_scaling', 'rope_parameters'] as const;
const DEFAULT_THETA = 10_000;

/**
 * Rotary embedding settings of a `config.json`.
 *
 * @throws BadInputError naming the field, for a kind of scaling that the engine does not compute or two that differ
 */
export function readRopeConfig(file: string, json: JsonObject): RopeConfig {
  const present = SPELLINGS.filter((field) => (json[field] ?? null) !== null);
  const [first, second] = present.map((field) => readSpelling(file, json, field));
  if (first !== undefined && second !== undefined && JSON.stringify(first) !== JSON.stringify(second)) {
    throw new BadInputError({
      where: `${file}: rope_parameters`,
      expected: `the same as rope_scaling, ${describeValue(json['rope_scaling'])}`,
      got: describeValue(json['rope_parameters']),
    });
  }
  return first ?? { ropeTheta: new ConfigFields(file, json).positiveNumber('rope_theta', DEFAULT_THETA), ropeScaling: null };
}

function readSpelling(file: string, json: JsonObject, field: (typeof SPELLINGS)[number]): RopeConfig {
  const parameters = json[field];
  const where = `${file}: ${field}`;
  if (!isJsonObject(parameters)) throw new BadInputError({ where, expected: 'an object or null', got: describeValue(parameters) });
  const fields = new ConfigFields(where, parameters);
  if ((parameters['partial_rotary_factor'] ?? 1) !== 1) throw fields.refusal('partial_rotary_factor', '1');
  const themselves = (parameters['rope_theta'] ?? null) !== null;
  const ropeTheta = (themselves ? fields : new ConfigFields(file, json)).positiveNumber('rope_theta', DEFAULT_THETA);
  return { ropeTheta, ropeScaling: readScaling(where, parameters, fields) };
}

function readScaling(where: string, parameters: JsonObject, fields: ConfigFields): RopeScaling | null {
  const type: unknown = parameters['rope_type'] ?? parameters['type'] ?? 'default';
  switch (type) {
    case 'default':
      return null;
    case 'linear':
      return { type, factor: fields.numberOfAtLeastOne('factor') };
    case 'llama3': {
      const scaling = {
        type,
        factor: fields.numberOfAtLeastOne('factor'),
        lowFrequencyFactor: fields.positiveNumber('low_freq_factor'),
        highFrequencyFactor: fields.positiveNumber('high_freq_factor'),
        originalContextLength: fields.positiveInteger('original_max_position_embeddings'),
      } as const;
      if (scaling.highFrequencyFactor > scaling.lowFrequencyFactor) return scaling;
      throw fields.refusal('high_freq_factor', `a number above low_freq_factor (${scaling.lowFrequencyFactor})`);
    }
    default:
      throw new BadInputError({ where: `${where}: rope_type`, expected: '"default", "linear" or "llama3" (no other scaling of rotary embeddings is supported)', got: describeValue(type) });
  }
}
