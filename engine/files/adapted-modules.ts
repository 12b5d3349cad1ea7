import { BadInputError } from '../../campaign/errors';
import { PROJECTIONS, type LoraSettings, type Projection } from '../../campaign/language-model';
import { describeValue } from './json-file';
import { projectionModule, type ModelConfig } from './model-config';
import { firstMatches } from './module-patterns';

/** A projection that an adapter adapts. */
export interface AdaptedModule {
  /** {@link adapterKey} of layer and projection. */
  readonly key: string;
  readonly layer: number;
  readonly projection: Projection;
  readonly rank: number;
  /** Its update is scale * B A. */
  readonly scale: number;
}

/** What an error calls a setting: a flag, a field of a file. */
export type SettingName = (field: keyof LoraSettings) => string;

/** Key of a projection's matrices in an adapter. */
export function adapterKey(layer: number, projection: Projection): string {
  return `${layer}.${projection}`;
}

interface Module {
  readonly name: string;
  readonly layer: number;
  readonly projection: Projection;
}

/** Modules outside the layers that PEFT could adapt and this engine does not. */
const OTHER_MODULES: readonly string[] = ['model.embed_tokens', 'lm_head'];

/**
 * The modules that settings adapt, in the order of the model's forward pass, each with its rank and scale.
 *
 * @throws BadInputError if no module is adapted, or the embedding or the head is, or a pattern is none
 * Source: PEFT 0.21, `check_target_module_exists`, `get_pattern_key` and `LoraLayer.update_layer`.
 */
export function adaptedModules(settings: LoraSettings, config: ModelConfig, called: SettingName = (field) => `lora: ${field}`): AdaptedModule[] {
  const modules = targetedModules(settings, linearModules(config), called);
  if (modules.length === 0) {
    throw new BadInputError({
      where: called('targets'),
      expected: `modules of the model, such as ${PROJECTIONS[0]} or ${linearModules(config)[0]?.name ?? 'none'}`,
      got: `${describeValue(settings.targets)}, which is none of them`,
    });
  }
  const names = modules.map(({ name }) => name);
  const rankOf = patternValues(settings.rankPattern, names, settings.rank, called('rankPattern'));
  const alphaOf = patternValues(settings.alphaPattern, names, settings.alpha, called('alphaPattern'));
  return modules.map(({ layer, projection }, i) => {
    const [rank, alpha] = [rankOf(i), alphaOf(i)];
    return { key: adapterKey(layer, projection), layer, projection, rank, scale: alpha / (settings.rsLora === true ? Math.sqrt(rank) : rank) };
  });
}

/**
 * Refuses a target, or a key of a pattern, that names no module: in a configuration somebody has just written, a misspelling.
 *
 * @throws BadInputError
 */
export function refuseIdleNames(settings: LoraSettings, config: ModelConfig, called: SettingName): void {
  const adapted = new Set(adaptedModules(settings, config, called).map(({ key }) => key));
  const modules = linearModules(config);
  const listed = typeof settings.targets === 'string' ? [] : settings.targets;
  const idleTarget = listed.find((target) => !modules.some(({ name }) => isNamed(name, target)));
  if (idleTarget !== undefined) throw new BadInputError({ where: called('targets'), expected: 'modules of the model', got: `${describeValue(idleTarget)}, which is none` });
  const names = modules.filter(({ layer, projection }) => adapted.has(adapterKey(layer, projection))).map(({ name }) => name);
  for (const field of ['rankPattern', 'alphaPattern'] as const) {
    const idle = Object.keys(settings[field] ?? {}).find((key) => firstMatches([key], names, called(field), 'end').every((match) => match < 0));
    if (idle !== undefined) throw new BadInputError({ where: called(field), expected: 'keys that match adapted modules', got: `${describeValue(idle)}, which matches none` });
  }
}

function linearModules({ layers }: ModelConfig): Module[] {
  return Array.from({ length: layers }, (_, layer) => PROJECTIONS.map((projection) => ({ name: projectionModule(layer, projection), layer, projection }))).flat();
}

function isAllLinear(targets: LoraSettings['targets']): boolean {
  return typeof targets === 'string' && targets.toLowerCase() === 'all-linear';
}

function targetedModules(settings: LoraSettings, modules: readonly Module[], called: SettingName): Module[] {
  const { targets, excludeModules } = settings;
  const names = [...modules.map(({ name }) => name), ...OTHER_MODULES];
  const excluded = matching(excludeModules ?? [], names, called('excludeModules'));
  const included = isAllLinear(targets) ? new Set(modules.map(({ name }) => name)) : matching(targets, names, called('targets'));
  const other = OTHER_MODULES.find((name) => included.has(name) && !excluded.has(name));
  if (other !== undefined) {
    throw new BadInputError({ where: called('targets'), expected: `projections of the layers (adapters of ${other} are not supported)`, got: describeValue(targets) });
  }
  const inLayers = modulesOfLayers(settings, modules, called('layersPattern'));
  // PEFT asks for the layer only of a module that is named by its end.
  const whole = typeof targets === 'string' ? [] : targets;
  return modules.filter(({ name }) => included.has(name) && !excluded.has(name) && (whole.includes(name) || inLayers.has(name)));
}

/** The names that are meant: a list means names and their ends after a dot, a text is a regular expression of whole names. */
function matching(said: string | readonly string[], names: readonly string[], where: string): Set<string> {
  if (typeof said !== 'string') return new Set(names.filter((name) => said.some((listed) => isNamed(name, listed))));
  const matches = said === '' ? [] : firstMatches([said], names, where);
  return new Set(names.filter((_, i) => matches[i] === 0));
}

function isNamed(name: string, listed: string): boolean {
  return name === listed || name.endsWith(`.${listed}`);
}

/** Names of the modules whose layer `layersToTransform` lists, and in whose name `layersPattern` stands before it. */
function modulesOfLayers({ layersToTransform, layersPattern }: LoraSettings, modules: readonly Module[], where: string): Set<string> {
  const layers = typeof layersToTransform === 'number' ? [layersToTransform] : (layersToTransform ?? []);
  const patterns = (typeof layersPattern === 'string' ? [layersPattern] : (layersPattern ?? [])).filter((pattern) => pattern !== '');
  const beforeLayer = firstMatches(patterns, modules.map(({ name, layer }) => name.slice(0, name.indexOf(`.${layer}.`))), where, 'end');
  const chosen = modules.filter(({ layer }, i) => (patterns.length === 0 || (beforeLayer[i] as number) >= 0) && (layers.length === 0 || layers.includes(layer)));
  return new Set(chosen.map(({ name }) => name));
}

/** Of each name: the value of the first key that matches it or its end after a dot, else the general one. */
function patternValues(pattern: Readonly<Record<string, number>> | undefined, names: readonly string[], general: number, where: string): (index: number) => number {
  const entries = Object.entries(pattern ?? {});
  const matches = firstMatches(entries.map(([key]) => key), names, where, 'end');
  return (index) => entries[matches[index] ?? -1]?.[1] ?? general;
}
