/**
 * Knowledge incorporation: a passage is restated by the policy, trained on, and asked about without the passage at
 * hand.
 * Source: paper, "Knowledge Incorporation".
 */
import type { CampaignSpec, InnerLoop } from '../../../campaign/campaign-spec';
import type { TrainingRow } from '../../../campaign/language-model';
import type { Domain, Prompt, ProposalWording } from '../domain';
import { loadContexts } from './load-contexts';
import { type Passage, passageSchema } from './passage';
import { filledTemplate } from './prompt-template';
import { questionPrompt, selfEditPrompt } from './prompts';
import { parseSelfEdit } from './self-edit';
import { trainingRow, trainingRows } from './training-rows';
import { worldContexts } from './world/contexts';
import { worldSpecSchema } from './world/world-spec';

const BASELINES = ['passage-only', 'oracle'] as const;

export const knowledgeDomain: Domain<Passage> = {
  name: 'knowledge',
  baselines: BASELINES,
  defaultMethods: ['base', 'passage-only', 'passage-only-step-matched', 'self-edits'],
  schema: passageSchema,
  generator: { schema: worldSpecSchema, tasks: worldContexts },
  load: loadContexts,
  describe: ({ title, context }) => ({ title, text: context }),
  recordedSelfEdits: ({ completions = [] }) => completions,
  proposalPrompt,
  parse: (selfEdit, passage, spec) => parseSelfEdit(selfEdit, passage, spec),
  contextRows: (passage, { innerLoop }) => (innerLoop.includePassage ? [passageRow(passage, innerLoop)] : []),
  baselineRows,
  // Closed book: nothing of the passage but its title.
  probes: ({ title, questions }) => questions.map(({ question }) => ({ prompt: questionPrompt(title, question) })),
  answers: ({ questions }, replies) => questions.map(({ question, answer: goldAnswer }, i) => ({ question, goldAnswer, answer: replies[i] ?? '' })),
  goldAnswers: ({ title, questions }) =>
    questions.map(({ question, answer }) => ({ question, goldAnswer: answer, row: { prompt: questionPrompt(title, question), completion: answer } })),
  policyRow(passage, { text, tokenIds, isCutOff = false }, wording) {
    const completion = text.trim();
    if (completion === '') return null;
    const written = tokenIds === undefined ? { completion } : { completionIds: tokenIds };
    return { ...proposalPrompt(passage, wording), ...written, endsWithEos: !isCutOff };
  },
};

function proposalPrompt({ title, context }: Passage, wording: ProposalWording): Prompt {
  if ('template' in wording) return filledTemplate(wording.template, { title, context });
  return { prompt: selfEditPrompt(wording.prompt, title, context) };
}

/** `passage-only` trains on the passage itself, `oracle` on the lines that its author left for it. */
function baselineRows(baseline: string, passage: Passage, { innerLoop }: Pick<CampaignSpec, 'innerLoop'>): readonly TrainingRow[] {
  if (baseline === 'passage-only') return [passageRow(passage, innerLoop)];
  return passage.oracle === undefined ? [] : trainingRows(passage, passage.oracle, innerLoop);
}

function passageRow({ title, context }: Passage, { lossOn }: Pick<InnerLoop, 'lossOn'>): TrainingRow {
  return trainingRow(title, context, lossOn);
}
