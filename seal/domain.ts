/**
 * What a kind of task brings to the two loops: how the policy is asked for a self-edit, how a self-edit becomes
 * training rows, how the adapted model is questioned. One folder a domain.
 * Source: paper, section "General Framework" and "Domain Instantiations".
 */
import type { CampaignSpec, Context, InnerLoop, LossOn, PromptName, Question } from '../contracts/campaign-spec';
import type { GenerateRow, TrainingRow } from '../contracts/language-model';

export type Limits = CampaignSpec['limits'];

/** How a self-edit is asked for: a prompt by its name, or the campaign's own template. */
export type ProposalWording = { readonly prompt: PromptName } | { readonly template: string };

/** What the policy continues with a self-edit. */
export type ProposalPrompt = Pick<GenerateRow, 'prompt' | 'parseSpecial'>;

/** How a self-edit asks to be trained on, already inside the campaign's limits. */
export interface Directives {
  readonly learningRate?: number;
  readonly trainEpochs?: number;
  readonly lossOn?: LossOn;
}

/** What of a campaign file shapes training rows. */
export interface SelfEditSettings {
  readonly innerLoop: Pick<InnerLoop, 'lossOn' | 'includePassage' | 'maxSteps'>;
  readonly limits: Limits;
  /** What was asked for decides how the answer is cut into rows. */
  readonly proposals: Pick<CampaignSpec['proposals'], 'prompt' | 'template'>;
}

export type ParsedSelfEdit =
  | {
      readonly accepted: true;
      readonly rows: readonly TrainingRow[];
      readonly directives: Directives;
      /** One line each: what was clamped or has no effect. */
      readonly notes: readonly string[];
    }
  /** `reason` is one line. */
  | { readonly accepted: false; readonly reason: string };

export interface Domain {
  readonly name: CampaignSpec['domain'];
  /** What the policy continues with a self-edit. */
  proposalPrompt(context: Context, wording: ProposalWording): ProposalPrompt;
  /** Never throws: whatever a policy may write is accepted or rejected with its reason. */
  parseSelfEdit(text: string, context: Context, settings: SelfEditSettings): ParsedSelfEdit;
  /** Rows of the passage-only baseline. */
  passageRows(context: Context, innerLoop: Pick<InnerLoop, 'lossOn'>): TrainingRow[];
  /** Rows of the oracle baseline; none where the context's author left no `oracle` lines. */
  oracleRows(context: Context, innerLoop: Pick<InnerLoop, 'lossOn' | 'includePassage'>): TrainingRow[];
  /** Closed book: nothing of the passage but its title. */
  questionPrompt(context: Context, question: Question): string;
  /** The gold answer as the completion of its closed-book prompt, for the `logprob` grader. */
  goldAnswerRow(context: Context, question: Question): TrainingRow;
  /** A kept self-edit as a row of the M-step; null when nothing is left of it after trimming. */
  policyRow(context: Context, selfEdit: string, wording: ProposalWording): TrainingRow | null;
  /** @throws BadInputError naming the file and field */
  loadContexts(json: unknown, where: string): Context[];
}
