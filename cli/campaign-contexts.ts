import { resolve } from 'node:path';
import type { Split } from '../campaign/campaign';
import type { CampaignSpec, ContextSource, LeftOut } from '../campaign/campaign-spec';
import type { Place } from '../campaign/bad-field';
import { BadInputError } from '../campaign/errors';
import { trainedBaselines } from '../seal/algorithm/stages';
import { type Context, contextOf, type Domain, type LoadedTasks } from '../seal/domains/domain';
import { readJsonOrLines } from './input-file';
import { readYamlFile } from './yaml-file';

export interface CampaignContexts {
  readonly train: readonly Context[];
  readonly heldOut: readonly Context[];
  /** Of the whole file of a split, where it holds anything of the kind. */
  readonly leftOut: Partial<Readonly<Record<Split, LeftOut>>>;
}

/**
 * The contexts of a campaign file, read or generated, checked to be disjoint.
 * @param directory of the campaign file: its paths start there
 * @throws BadInputError naming the field, or the file and its field
 */
export function loadCampaignContexts(spec: CampaignSpec, domain: Domain, where: Place, directory: string): CampaignContexts {
  const read = taskFiles(domain);
  const load = (split: Split): LoadedTasks<Context> => {
    const source = spec.contexts[split];
    const file = resolve(directory, (source.path ?? source.world)!);
    const { contexts, leftOut } = source.path === undefined ? { contexts: generated(domain, split, source, file, where), leftOut: NOTHING_LEFT_OUT } : read(file);
    const identified = contexts.map((task) => contextOf(domain, task));
    return { contexts: source.path === undefined ? identified : slice(split, source, identified, where), leftOut };
  };
  const train = load('train');
  const heldOut = load('heldOut');
  const leftOut = { ...(hasAny(train.leftOut) && { train: train.leftOut }), ...(hasAny(heldOut.leftOut) && { heldOut: heldOut.leftOut }) };
  const contexts = { train: train.contexts, heldOut: heldOut.contexts, leftOut };
  refuseShared(contexts, where);
  refuseMissingRecordings(spec, domain, contexts, where);
  refuseMissingBaselines(spec, domain, contexts, where);
  return contexts;
}

/** One line a file: what of it is left out. */
export function leftOutLines({ contexts }: CampaignSpec, { leftOut }: CampaignContexts): string[] {
  const lines = (['train', 'heldOut'] as const).flatMap((split) => {
    const { unanswerable = 0, withoutQuestions = 0 } = leftOut[split] ?? {};
    const parts = [
      ...(unanswerable > 0 ? [`${counted(unanswerable, 'question')} without an answer`] : []),
      ...(withoutQuestions > 0 ? [`${counted(withoutQuestions, 'passage')} without a question that has one`] : []),
    ];
    return parts.length === 0 ? [] : [`${contexts[split].path}: left out ${parts.join(' and ')}`];
  });
  return [...new Set(lines)];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function hasAny({ unanswerable, withoutQuestions }: LeftOut): boolean {
  return unanswerable + withoutQuestions > 0;
}

const NOTHING_LEFT_OUT: LeftOut = { unanswerable: 0, withoutQuestions: 0 };

/** Reads files of tasks, each once: one file often holds both splits. */
function taskFiles(domain: Domain): (file: string) => LoadedTasks<unknown> {
  const read = new Map<string, LoadedTasks<unknown>>();
  return (file) => {
    const known = read.get(file);
    if (known !== undefined) return known;
    const { json, lines } = readJsonOrLines(file);
    const loaded = domain.load(json, file, lines);
    read.set(file, loaded);
    return loaded;
  };
}

function generated({ name, generator }: Domain, split: Split, { skip, take }: ContextSource, file: string, where: Place): readonly unknown[] {
  if (generator === undefined) throw new BadInputError({ where: where(['contexts', split, 'world']), expected: `a path: domain ${name} generates no tasks`, got: 'a world' });
  return generator.tasks(readYamlFile(file, generator.schema).value, split, skip, take!);
}

function slice(split: Split, source: ContextSource, all: readonly Context[], where: Place): readonly Context[] {
  const left = Math.max(0, all.length - source.skip);
  if (left === 0) {
    throw new BadInputError({
      where: where(['contexts', split, 'skip']),
      expected: `less than the ${all.length} passages of the file`,
      got: String(source.skip),
    });
  }
  if (source.take !== undefined && source.take > left) {
    throw new BadInputError({
      where: where(['contexts', split, 'take']),
      expected: `at most the ${left} passages that the file has after skip`,
      got: String(source.take),
    });
  }
  return all.slice(source.skip, source.take === undefined ? undefined : source.skip + source.take);
}

function refuseShared({ train, heldOut }: Pick<CampaignContexts, Split>, where: Place): void {
  const trained = new Set(train.map(({ id }) => id));
  const shared = heldOut.find(({ id }) => trained.has(id));
  if (shared === undefined) return;
  throw new BadInputError({
    where: where(['contexts', 'heldOut']),
    expected: 'passages that contexts.train does not have',
    got: `${JSON.stringify(shared.title)} in both`,
  });
}

function refuseMissingRecordings(spec: CampaignSpec, domain: Domain, contexts: CampaignContexts, where: Place): void {
  if (spec.proposals.source !== 'recorded') return;
  const needed = { train: spec.proposals.k, heldOut: spec.evaluation.selfEditsPerContext };
  for (const split of ['train', 'heldOut'] as const) {
    const short = contexts[split].find(({ task }) => domain.recordedSelfEdits(task).length < needed[split]);
    if (short === undefined) continue;
    throw new BadInputError({
      where: `${where(['contexts', split])}: ${JSON.stringify(short.title)}`,
      expected: `at least ${needed[split]} recorded completions, for proposals.source: recorded`,
      got: String(domain.recordedSelfEdits(short.task).length),
    });
  }
}

function refuseMissingBaselines(spec: CampaignSpec, domain: Domain, { heldOut }: CampaignContexts, where: Place): void {
  for (const baseline of trainedBaselines(spec)) {
    const without = heldOut.find(({ task }) => domain.baselineRows(baseline, task, spec).length === 0);
    if (without === undefined) continue;
    throw new BadInputError({
      where: `${where(['contexts', 'heldOut'])}: ${JSON.stringify(without.title)}`,
      expected: `something to train on, for the ${baseline} baseline`,
      got: 'nothing',
    });
  }
}
