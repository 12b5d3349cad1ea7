import { type CampaignInput, scopes } from '../campaign/campaign';
import type { CampaignData } from '../record/documents/campaign';
import { answersOf, evaluationDocument, groupAnswersFile } from '../record/documents/candidates';
import type { CurrentVersions } from '../record/documents/operators';
import type { Example, ExampleSelfEdit } from '../record/documents/report';
import { type Proposal, proposalsDocument, proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import { epochOfMethod } from '../seal/algorithm/stages';
import { mean } from '../seal/statistics/statistics';
import type { ArtifactStore } from '../storage/artifact-store';
import { characters } from './collect-epochs';

/** The rule, in `collectExamples`' words, is told on the page. */
export const EXAMPLES = 3;
const MOST_CHARACTERS = 2000;
const MOST_QUESTIONS = 12;

/**
 * Self-edits before and after training, of the held-out contexts with the lowest ids (hashes: nothing in them prefers a good
 * example), candidate 1 of each.
 *
 * @param methods the evaluated methods' names
 */
export async function collectExamples(
  store: ArtifactStore,
  { input, contexts }: Pick<CampaignData, 'input' | 'contexts'>,
  methods: readonly string[],
  versions: CurrentVersions,
): Promise<Example[]> {
  const proposals = await Promise.all(comparedMethods(methods).map(async (method) => {
    const scope = scopes.evaluation(method, versions.ofMethod(method));
    return { method, scope, list: await proposalsOf(store, input, scope) };
  }));
  const shown = [...contexts.heldOut].sort((a, b) => (a.id < b.id ? -1 : 1)).slice(0, EXAMPLES);
  return Promise.all(
    shown.map(async ({ id, title, text }): Promise<Example> => {
      const selfEdits = await Promise.all(
        proposals.flatMap(({ method, scope, list }) => {
          const proposal = list.find(({ contextId, candidate }) => contextId === id && candidate === 1);
          return proposal === undefined ? [] : [selfEditOf(store, input, { method, scope }, proposal)];
        }),
      );
      return { contextId: id, title: cut(title), passage: cut(text), selfEdits };
    }),
  );
}

/** The self-edits before any training of the policy, or the earliest there are, and the last. */
function comparedMethods(methods: readonly string[]): string[] {
  const writing = methods.filter((name) => name === 'self-edits' || epochOfMethod(name) !== null);
  return [...new Set([writing[0], writing.at(-1)].flatMap((name) => name ?? []))];
}

async function proposalsOf(store: ArtifactStore, { campaignId }: CampaignInput, scope: string): Promise<readonly Proposal[]> {
  const found = await proposalsDocument.find(store, manifestKeys.proposals(campaignId, scope));
  return found === null ? [] : proposalsFile.read(store, found);
}

async function selfEditOf(store: ArtifactStore, { campaignId, spec }: CampaignInput, { method, scope }: { readonly method: string; readonly scope: string }, { contextId, candidate, text }: Proposal): Promise<ExampleSelfEdit> {
  const found = await Promise.all(
    Array.from({ length: spec.evaluation.repeats }, (_, i) => evaluationDocument.find(store, manifestKeys.evaluation(campaignId, scope, contextId, candidate, i + 1))),
  );
  const evaluations = found.filter((one) => one !== null);
  const [first] = evaluations;
  const unadapted = first?.summary.unadapted;
  const answers = first === undefined ? [] : answersOf(await groupAnswersFile.read(store, first), contextId, candidate);
  return {
    method,
    text: cut(text),
    characters: characters(text),
    score: evaluations.length === 0 ? null : mean(evaluations.map(({ summary }) => summary.score)),
    rejected: unadapted === 'rejected',
    diverged: unadapted === 'diverged',
    answers: answers.slice(0, MOST_QUESTIONS).map(({ question, goldAnswer, answer, score }) => ({
      question: cut(question),
      goldAnswer: cut(goldAnswer),
      answer: answer === undefined ? null : cut(answer),
      score,
    })),
  };
}

function cut(text: string): string {
  const whole = [...text];
  return whole.length <= MOST_CHARACTERS ? text : `${whole.slice(0, MOST_CHARACTERS).join('')} …`;
}
