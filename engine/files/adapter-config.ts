import { basename, isAbsolute } from 'node:path';
import { PROJECTIONS, type LoraSettings } from '../../campaign/language-model';
import type { SettingName } from './adapted-modules';
import { ConfigFields } from './config-fields';
import { isJsonObject, type JsonObject } from './json-file';

// `adapter_config.json` as PEFT writes it, and the settings that it says.
// Source: PEFT 0.21, `LoraConfig`.

const FIELD_OF: Readonly<Record<keyof LoraSettings, string>> = {
  rank: 'r',
  alpha: 'lora_alpha',
  targets: 'target_modules',
  rsLora: 'use_rslora',
  rankPattern: 'rank_pattern',
  alphaPattern: 'alpha_pattern',
  dropout: 'lora_dropout',
  layersToTransform: 'layers_to_transform',
  layersPattern: 'layers_pattern',
  excludeModules: 'exclude_modules',
};

/** What errors call the settings of a configuration file. */
export function configField(file: string): SettingName {
  return (field) => `${file}: ${FIELD_OF[field]}`;
}

/** What PEFT takes for Llama and Qwen2 where `target_modules` says nothing. */
const DEFAULT_TARGETS: readonly string[] = ['q_proj', 'v_proj'];

/**
 * The settings that a PEFT configuration says.
 *
 * @throws BadInputError naming file and field, for a value that is none and for what is not plain LoRA (DoRA, trained biases, modules
 * that are saved whole, first weights that change the base, ...)
 */
export function parseAdapterConfig(file: string, json: JsonObject): LoraSettings {
  const fields = new ConfigFields(file, json);
  refuseOtherThanPlainLora(json, fields);
  const rsLora = fields.boolean('use_rslora', false);
  const rankPattern = pattern('rank_pattern', json, fields, 'an object of positive integers', Number.isSafeInteger);
  const alphaPattern = pattern('alpha_pattern', json, fields, 'an object of positive numbers', Number.isFinite);
  const dropout = readDropout(json, fields);
  const excludeModules = names('exclude_modules', json, fields) ?? [];
  return {
    rank: fields.positiveInteger('r'),
    alpha: fields.positiveNumber('lora_alpha'),
    targets: names('target_modules', json, fields) ?? DEFAULT_TARGETS,
    ...(rsLora ? { rsLora } : {}),
    ...(isEmpty(rankPattern) ? {} : { rankPattern }),
    ...(isEmpty(alphaPattern) ? {} : { alphaPattern }),
    ...(dropout === 0 ? {} : { dropout }),
    ...layers(json, fields),
    ...(excludeModules.length === 0 ? {} : { excludeModules }),
  };
}

function names(field: string, json: JsonObject, fields: ConfigFields): string | readonly string[] | undefined {
  const value = json[field] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string')) return value;
  throw fields.refusal(field, 'a list of names, or one text');
}

function pattern(field: string, json: JsonObject, fields: ConfigFields, expected: string, accepts: (value: unknown) => boolean): Readonly<Record<string, number>> {
  const value = json[field] ?? {};
  if (isJsonObject(value) && Object.values(value).every((entry) => accepts(entry) && (entry as number) > 0)) return value as Record<string, number>;
  throw fields.refusal(field, expected);
}

function readDropout(json: JsonObject, fields: ConfigFields): number {
  const value = json['lora_dropout'] ?? 0;
  if (typeof value === 'number' && value >= 0 && value < 1) return value;
  throw fields.refusal('lora_dropout', 'a number of at least 0 and below 1');
}

function layers(json: JsonObject, fields: ConfigFields): Partial<LoraSettings> {
  const layersPattern = names('layers_pattern', json, fields);
  const value = json['layers_to_transform'] ?? undefined;
  if (value === undefined && (layersPattern === undefined || layersPattern.length === 0)) return {};
  const isLayer = (layer: unknown): layer is number => Number.isSafeInteger(layer) && (layer as number) >= 0;
  const isTargetsText = typeof json['target_modules'] === 'string' && json['target_modules'].toLowerCase() !== 'all-linear';
  if (isTargetsText) throw fields.refusal(value === undefined ? 'layers_pattern' : 'layers_to_transform', 'null beside a text of target_modules, as PEFT has it');
  if (!isLayer(value) && !(Array.isArray(value) && value.every(isLayer))) throw fields.refusal('layers_to_transform', 'the number of a layer, or a list of them');
  return { layersToTransform: value, ...(layersPattern === undefined || layersPattern.length === 0 ? {} : { layersPattern }) };
}

/** Fields that change what is computed, with the only value for which the engine computes the same. */
const PLAIN_LORA: Readonly<Record<string, { readonly value: unknown; readonly otherwise: string }>> = {
  use_dora: { value: false, otherwise: 'DoRA is not supported' },
  use_qalora: { value: false, otherwise: 'QALoRA is not supported' },
  lora_bias: { value: false, otherwise: 'biases are not supported' },
  fan_in_fan_out: { value: false, otherwise: 'transposed weights are not supported' },
  bias: { value: 'none', otherwise: 'trained biases are not supported' },
};

/** First weights that leave the base as it is: once trained, the adapter is plain LoRA. */
const PLAIN_STARTS: readonly unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal', 'mica'];
const PLAIN_STARTS_IN_WORDS = 'true, false, "gaussian", "eva", "orthogonal" or "mica"';
/** Those that PEFT takes out of the base, which the adapter then fits: base - scale * B A, of the first B and A. */
const RESIDUAL_STARTS = /^(?:pissa(?:_niter_\d+)?|olora|corda|lora_ga)$/;

/** Fields of other methods, which must be null, false or empty. */
const OTHER_METHODS: readonly string[] = [
  'modules_to_save',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
];
/** Fields by whose name PEFT switches methods on; those of later versions are refused unheard. */
const METHOD_SWITCH = /^use_|_config$/;
const NO_METHOD: readonly string[] = ['use_rslora', 'megatron_config', 'runtime_config'];
/** How first weights were found: `init_lora_weights` alone says which they were, also after PEFT has converted an adapter. */
const OF_STARTS: readonly string[] = ['eva_config', 'corda_config', 'loftq_config', 'lora_ga_config'];

function refuseOtherThanPlainLora(json: JsonObject, fields: ConfigFields): void {
  if (json['peft_type'] !== 'LORA') throw fields.refusal('peft_type', '"LORA"');
  for (const [field, { value, otherwise }] of Object.entries(PLAIN_LORA)) {
    if ((json[field] ?? value) !== value) throw fields.refusal(field, `${JSON.stringify(value)} (${otherwise})`);
  }
  refuseOtherStarts(json['init_lora_weights'] ?? true, fields);
  for (const field of Object.keys(json)) {
    const isOther = OTHER_METHODS.includes(field) || (METHOD_SWITCH.test(field) && !NO_METHOD.includes(field) && !OF_STARTS.includes(field));
    if (isOther && !isEmpty(json[field])) throw fields.refusal(field, 'null or empty (not supported otherwise)');
  }
}

function refuseOtherStarts(start: unknown, fields: ConfigFields): void {
  if (PLAIN_STARTS.includes(start)) return;
  const refusal = (because: string): Error => fields.refusal('init_lora_weights', `${PLAIN_STARTS_IN_WORDS}${because}`);
  if (start === 'loftq') throw refusal(': this one fits a quantised base');
  if (typeof start !== 'string' || !RESIDUAL_STARTS.test(start)) throw refusal('');
  throw refusal(': this one fits a base without what the adapter began with (saved with path_initial_model_for_weight_conversion, PEFT converts it to plain LoRA)');
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === undefined || value === false || (isJsonObject(value) && Object.keys(value).length === 0);
}

/** The fields that PEFT and vLLM read, as PEFT names them; those few adapters have are left out where they say nothing. */
export function adapterConfigJson(settings: LoraSettings, baseModel: string): JsonObject {
  return {
    alpha_pattern: settings.alphaPattern ?? {},
    base_model_name_or_path: isAbsolute(baseModel) ? basename(baseModel) : baseModel,
    bias: 'none',
    ...(settings.excludeModules === undefined ? {} : { exclude_modules: settings.excludeModules }),
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    ...(settings.layersPattern === undefined ? {} : { layers_pattern: settings.layersPattern }),
    ...(settings.layersToTransform === undefined ? {} : { layers_to_transform: settings.layersToTransform }),
    lora_alpha: settings.alpha,
    lora_dropout: settings.dropout ?? 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: settings.rank,
    rank_pattern: settings.rankPattern ?? {},
    target_modules: orderedTargets(settings.targets),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: settings.rsLora ?? false,
  };
}

/** One order for equal lists, so that equal adapters have equal bytes; `all-linear` spelled out, as PEFT does on saving. */
function orderedTargets(targets: LoraSettings['targets']): string | readonly string[] {
  if (typeof targets === 'string') return targets.toLowerCase() === 'all-linear' ? PROJECTIONS : targets;
  const known = PROJECTIONS.filter((projection) => targets.includes(projection));
  const others = targets.filter((target) => !(PROJECTIONS as readonly string[]).includes(target));
  return [...known, ...[...new Set(others)].sort()];
}
