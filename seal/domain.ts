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

/** A self-edit as it was written. */
export interface SelfEdit {
  readonly text: string;
  /** What the policy sampled, without its end token. Absent where it was not the policy that wrote it, or was not here. */
  readonly tokenIds?: readonly number[];
  /** It ends where the limit of its tokens was reached, in the middle of a line for all that one knows. @default false */
  readonly isCutOff?: boolean;
}

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
  parseSelfEdit(selfEdit: SelfEdit, context: Context, settings: SelfEditSettings): ParsedSelfEdit;
  /** Rows of the passage-only baseline. */
  passageRows(context: Context, innerLoop: Pick<InnerLoop, 'lossOn'>): TrainingRow[];
  /** Rows of the oracle baseline; none where the context's author left no `oracle` lines. */
  oracleRows(context: Context, innerLoop: Pick<InnerLoop, 'lossOn' | 'includePassage'>): TrainingRow[];
  /** Closed book: nothing of the passage but its title. */
  questionPrompt(context: Context, question: Question): string;
  /** The gold answer as the completion of its closed-book prompt, for the `logprob` grader. */
  goldAnswerRow(context: Context, question: Question): TrainingRow;
  /** A kept self-edit as a row of the M-step, what was sampled as it was sampled, any other text trimmed; null for a blank one. */
  policyRow(context: Context, selfEdit: SelfEdit, wording: ProposalWording): TrainingRow | null;
}
