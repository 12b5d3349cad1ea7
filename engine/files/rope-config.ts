import { BadInputError } from '../../campaign/errors';
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

/** What each supported kind of scaling is computed from. */
const FIELDS_OF = {
  default: [],
  linear: ['factor'],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'],
} as const;
type RopeType = keyof typeof FIELDS_OF;

/** One object of rotary settings: the model's, or that of a kind of its layers. */
interface RopeObject {
  /** As messages name it: `rope_scaling`, `rope_parameters: full_attention`. */
  readonly name: string;
  readonly value: unknown;
}

/** What such an object says, by the names of config.json. */
interface RopeSettings {
  readonly name: string;
  readonly type: RopeType;
  readonly values: Readonly<Record<string, number | string | undefined>>;
}

/**
 * Rotary embedding settings of a `config.json`, which must be the same for every layer.
 *
 * @throws BadInputError naming the field: a kind of scaling that the engine does not compute, a field that the kind does not have, or
 * one that differs between the two spellings or between kinds of layers
 */
export function readRopeConfig(file: string, json: JsonObject): RopeConfig {
  const beside = (json['rope_theta'] ?? null) === null ? undefined : new ConfigFields(file, json).positiveNumber('rope_theta');
  const [first, ...others] = SPELLINGS.flatMap((field) => ropeObjects(file, json, field)).map((object) => readSettings(file, object, beside));
  // Where one spelling says no theta it is the other's, not the default.
  const ropeTheta = [first, ...others].map((settings) => settings?.values['rope_theta']).find((theta) => typeof theta === 'number') ?? beside ?? DEFAULT_THETA;
  if (first === undefined) return { ropeTheta, ropeScaling: null };
  for (const other of others) refuseDifference(file, first, other, ropeTheta);
  return { ropeTheta, ropeScaling: scalingOf(first) };
}

/** An object of objects has one for each kind of layer; those of kinds that no layer is do not count. */
function ropeObjects(file: string, json: JsonObject, field: (typeof SPELLINGS)[number]): RopeObject[] {
  const value = json[field] ?? null;
  if (value === null) return [];
  if (!isJsonObject(value)) throw new BadInputError({ where: `${file}: ${field}`, expected: 'an object or null', got: describeValue(value) });
  const entries = Object.entries(value);
  if (!entries.some(([, inner]) => isJsonObject(inner))) return [{ name: field, value }];
  const beside = entries.find(([, inner]) => inner !== null && !isJsonObject(inner));
  if (beside !== undefined) throw new BadInputError({ where: `${file}: ${field}: ${beside[0]}`, expected: 'nothing beside the kinds of layers', got: describeValue(beside[1]) });
  const layerTypes: unknown = json['layer_types'];
  const kinds = Array.isArray(layerTypes) ? [...new Set(layerTypes.map(String))] : Object.keys(value);
  return kinds.map((kind) => ({ name: `${field}: ${kind}`, value: Object.hasOwn(value, kind) ? value[kind] : undefined }));
}

/** @param theta what stands beside the object */
function readSettings(file: string, { name, value }: RopeObject, theta: number | undefined): RopeSettings {
  const where = `${file}: ${name}`;
  if (!isJsonObject(value)) throw new BadInputError({ where, expected: 'an object', got: describeValue(value) });
  const fields = new ConfigFields(where, value);
  const type = readType(where, value);
  if ((value['type'] ?? type) !== type) throw fields.refusal('type', 'the same as rope_type');
  if ((value['partial_rotary_factor'] ?? 1) !== 1) throw fields.refusal('partial_rotary_factor', '1');
  const known: readonly string[] = [...FIELDS_OF[type], 'rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];
  const other = Object.keys(value).find((field) => !known.includes(field) && value[field] !== null);
  if (other !== undefined) throw fields.refusal(other, `nothing beside rope_type "${type}"`);
  const own = (value['rope_theta'] ?? null) === null ? theta : fields.positiveNumber('rope_theta');
  return { name, type, values: { rope_type: type, rope_theta: own, ...readScaling(type, fields) } };
}

function readType(where: string, value: JsonObject): RopeType {
  const type: unknown = value['rope_type'] ?? value['type'] ?? 'default';
  if (type === 'default' || type === 'linear' || type === 'llama3') return type;
  throw new BadInputError({ where: `${where}: rope_type`, expected: '"default", "linear" or "llama3" (no other scaling of rotary embeddings is supported)', got: describeValue(type) });
}

function readScaling(type: RopeType, fields: ConfigFields): Readonly<Record<string, number>> {
  if (type === 'default') return {};
  const factor = fields.numberOfAtLeastOne('factor');
  if (type === 'linear') return { factor };
  const low = fields.positiveNumber('low_freq_factor');
  const high = fields.positiveNumber('high_freq_factor');
  if (high <= low) throw fields.refusal('high_freq_factor', `a number above low_freq_factor (${low})`);
  return { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: fields.positiveInteger('original_max_position_embeddings') };
}

function refuseDifference(file: string, first: RopeSettings, other: RopeSettings, ropeTheta: number): void {
  const [expected, got] = [first, other].map(({ values }): RopeSettings['values'] => ({ ...values, rope_theta: values['rope_theta'] ?? ropeTheta }));
  const field = Object.keys(expected ?? {}).find((name) => expected?.[name] !== got?.[name]);
  if (field === undefined) return;
  throw new BadInputError({ where: `${file}: ${other.name}: ${field}`, expected: `${describeValue(expected?.[field])}, as ${first.name} has it`, got: describeValue(got?.[field]) });
}

function scalingOf({ type, values }: RopeSettings): RopeScaling | null {
  const value = (field: (typeof FIELDS_OF)['llama3'][number]): number => values[field] as number;
  if (type === 'default') return null;
  if (type === 'linear') return { type, factor: value('factor') };
  return {
    type,
    factor: value('factor'),
    lowFrequencyFactor: value('low_freq_factor'),
    highFrequencyFactor: value('high_freq_factor'),
    originalContextLength: value('original_max_position_embeddings'),
  };
}
