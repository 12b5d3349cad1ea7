/**
 * What a kind of task brings to the two loops: how the policy is asked for a self-edit, how a self-edit becomes training rows, what the
 * adapted model is asked and what it should answer. One folder a domain; `registry.ts` lists them.
 * Source: paper, section "General Framework" and "Domain Instantiations".
 */
import type { z } from 'zod';
import type { Split } from '../../campaign/campaign';
import type { CampaignSpec, LeftOut, LossOn, PromptName } from '../../campaign/campaign-spec';
import type { GenerateRow, TrainingRow } from '../../campaign/language-model';
import type { GradedAnswer } from '../graders/graded-answer';
import { contextId } from '../ids';

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

/** What a model continues. */
export type Prompt = Pick<GenerateRow, 'prompt' | 'parseSpecial'>;

/** How a self-edit asks to be trained on, already inside the campaign's limits. */
export interface Directives {
  readonly learningRate?: number;
  readonly trainEpochs?: number;
  readonly lossOn?: LossOn;
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

/** What the adapted model should answer. */
export interface GoldAnswer extends Omit<GradedAnswer, 'answer'> {
  /** The gold answer as the completion of its prompt, for the `logprob` grader. */
  readonly row: TrainingRow;
}

/** The tasks of a file, and what of it is none. */
export interface LoadedTasks<Task> {
  readonly contexts: readonly Task[];
  readonly leftOut: LeftOut;
}

/** Tasks that are generated from a description instead of being read: `contexts.*.world`. */
export interface TaskGenerator<Description, Task> {
  readonly schema: z.ZodType<Description>;
  /** Tasks `skip`..`skip + take - 1` of a split. */
  tasks(description: Description, split: Split, skip: number, take: number): readonly Task[];
}

/**
 * All of it is pure. A `Task` is what the paper calls the context C with its task tau: a passage with its questions, say. The methods are
 * declared so that a domain of any task can stand where a domain is wanted; none is ever given another's tasks.
 */
export interface Domain<Task = unknown> {
  readonly name: string;
  /** Names of what held-out tasks can be adapted to beside self-edits. */
  readonly baselines: readonly string[];
  /** What a campaign evaluates before any RL, unless its file says. */
  readonly defaultMethods: readonly string[];
  /** Of a task, as the record keeps it. */
  readonly schema: z.ZodType<Task>;
  /** Absent where tasks are only read. */
  readonly generator?: TaskGenerator<unknown, Task>;
  /**
   * @param lines of the entries, where each stands on a line of its own. @default `json` is one document
   * @throws BadInputError naming file and field
   */
  load(json: unknown, where: string, lines?: readonly number[]): LoadedTasks<Task>;
  /** A name for people, and the text that makes it this task and no other. */
  describe(task: Task): { readonly title: string; readonly text: string };
  /** For `proposals.source: recorded`. */
  recordedSelfEdits(task: Task): readonly string[];
  proposalPrompt(task: Task, wording: ProposalWording): Prompt;
  /** Never throws: whatever a policy may write is accepted or rejected with its reason. `seed` is the self-edit's own. */
  parse(selfEdit: SelfEdit, task: Task, spec: CampaignSpec, seed: number): ParsedSelfEdit;
  /** What is trained on with every self-edit of the task, whatever that says: the passage, say. */
  contextRows(task: Task, spec: CampaignSpec): readonly TrainingRow[];
  /** What one of `baselines` trains on; nothing where the task has none of the kind. */
  baselineRows(baseline: string, task: Task, spec: CampaignSpec): readonly TrainingRow[];
  /** What the adapted model continues. */
  probes(task: Task): readonly Prompt[];
  /** What it answered, beside what it should. `replies` are the continuations of `probes`, in order. */
  answers(task: Task, replies: readonly string[]): readonly GradedAnswer[];
  goldAnswers(task: Task): readonly GoldAnswer[];
  /** A kept self-edit as a row of the M-step, what was sampled as it was sampled, any other text trimmed; null for a blank one. */
  policyRow(task: Task, selfEdit: SelfEdit, wording: ProposalWording): TrainingRow | null;
}

/** A task with its id, which names it in keys, seeds and workflows. */
export interface Context<Task = unknown> {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  readonly task: Task;
}

export function contextOf<Task>(domain: Domain<Task>, task: Task): Context<Task> {
  const { title, text } = domain.describe(task);
  return { id: contextId(title, text), title, text, task };
}
