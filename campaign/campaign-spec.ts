import { z } from 'zod';
import { endpointSettingsSchema, judgeSettingsSchema } from './endpoint';
import { BASE_PRECISIONS, EXECUTION_PROVIDERS, GENERATION_PRECISIONS, PROJECTIONS } from './language-model';
import { COMMON_METHODS, STEP_MATCHED } from './methods';

/**
 * The campaign file. `docs/campaign-file.md` documents each field; unknown keys are errors.
 * Defaults follow the paper (`docs/algorithm.md`) unless the field says otherwise.
 */
const positiveInt = z.number().int().positive();
const projections = z.union([z.string().min(1), z.array(z.enum(PROJECTIONS)).nonempty()]);
const schedule = z.enum(['linear', 'cosine', 'constant']);
const lossOn = z.enum(['all', 'completion']);

const trainingSectionSchema = z.strictObject({
  rank: positiveInt.max(1024).default(32),
  alpha: z.number().positive().default(64),
  /** `all-linear`, a list of projections, or a regular expression of module names. */
  targets: projections.default('all-linear'),
  /** Scale is alpha / sqrt(rank). */
  rsLora: z.boolean().default(false),
  /** Ranks and alphas of some modules, by regular expressions of their names or the ends of these. */
  rankPattern: z.record(z.string(), positiveInt.max(1024)).optional(),
  alphaPattern: z.record(z.string(), z.number().positive()).optional(),
  /** Share of the adapter's input that a step drops. */
  dropout: z.number().nonnegative().max(0.99).default(0),
  trainEpochs: positiveInt.max(10_000).default(10),
  learningRate: z.number().positive().max(1).default(1e-3),
  batch: positiveInt.max(4096).default(1),
  /** A step's rows are computed in this many parts: less memory for the same step. */
  accumulation: positiveInt.max(4096).default(1),
  /** Layers are computed again in the backward pass instead of being kept: less memory, more time. */
  gradientCheckpointing: z.boolean().default(false),
  schedule: schedule.default('linear'),
  warmupSteps: z.number().int().nonnegative().max(1_000_000).default(0),
  clipNorm: z.number().positive().default(1),
  weightDecay: z.number().nonnegative().default(0),
});

const innerLoopSchema = trainingSectionSchema.extend({
  /** Of a training row `{title}\n{line}`: every token but the first, or the line only. */
  lossOn: lossOn.default('all'),
  /** The original passage is the last training row. */
  includePassage: z.boolean().default(true),
  /** Fine-tune and evaluate each candidate this often, each with its own seed. */
  repeats: positiveInt.max(100).default(3),
  /** Replaces trainEpochs: every self-edit gets exactly this many optimiser steps. */
  maxSteps: positiveInt.max(1_000_000).optional(),
});

/** Exactly one of `path` (passages: a list of {title, context, questions}, or SQuAD) and `world` (a world file). */
const contextSourceSchema = z
  .strictObject({
    path: z.string().min(1).optional(),
    world: z.string().min(1).optional(),
    take: positiveInt.optional(),
    skip: z.number().int().nonnegative().default(0),
  })
  .refine((source) => (source.path === undefined) !== (source.world === undefined), { message: 'exactly one of path and world' })
  .refine(({ world, take }) => world === undefined || take !== undefined, { path: ['take'], message: 'how many contexts of the world to take' });

export const GRADERS = ['exact', 'contains', 'f1', 'tokens', 'logprob', 'judge'] as const;
const DEFAULT_DOMAIN = 'knowledge';
const ANY_DOMAINS_METHODS = ['base', 'self-edits'];
export const PROMPTS = ['implications', 'implications-long', 'implications-very-long', 'rewrite', 'self-qa', 'none'] as const;
const DEFAULT_PROMPT = 'implications';

/** A pair of bounds for what a self-edit may ask for. */
const bounds = (value: z.ZodNumber) => z.tuple([value, value]).refine(([lowest, highest]) => lowest <= highest, { message: 'the lower bound first' });

/** The fields of a campaign file, each by itself or against those of its own section. @param domain a domain's name @param method a baseline's @param defaultMethods as documented */
const fieldsSchema = (domain: z.ZodType<string>, method: z.ZodType<string>, defaultMethods: readonly string[]) => z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens'),
  /** Every seed of the campaign derives from this. */
  seed: z.number().int().nonnegative().max(2 ** 32 - 1),
  /** Hugging Face model directory, relative to the campaign file. */
  model: z.string().min(1),
  domain: domain.default(DEFAULT_DOMAIN),
  mode: z.literal('single').default('single'),
  epochs: z.number().int().nonnegative().max(1000),
  contexts: z.strictObject({ train: contextSourceSchema, heldOut: contextSourceSchema }),
  proposals: z
    .strictObject({
      /** The default is filled in below, where no template takes its place. */
      prompt: z.enum(PROMPTS).optional().meta({ default: DEFAULT_PROMPT }),
      /** Replaces `prompt`: a text file with the placeholders {title} and {context}, relative to the campaign file. */
      template: z.string().min(1).optional(),
      k: positiveInt.max(1000).default(5),
      temperature: z.number().nonnegative().default(1),
      topP: z.number().positive().max(1).default(0.95),
      /** Less where the model's context leaves less behind the prompt. A self-edit that gets so far is cut off, and learnt so. */
      maxNewTokens: positiveInt.max(1_048_576).default(2048),
      /**
       * `recorded`: the first k of the context's own `completions`, in the first epoch and every later one. `endpoint`: of the
       * training contexts by the endpoint below; of the held-out ones still by the policy, since those are what it has learnt.
       */
      source: z.enum(['policy', 'recorded', 'endpoint']).default('policy'),
      /** For `source: endpoint` and the `endpoint` baseline. */
      endpoint: endpointSettingsSchema.optional(),
    })
    .refine(({ prompt, template }) => prompt === undefined || template === undefined, { path: ['template'], message: 'a prompt or a template', params: { got: 'both' } })
    .transform((section) => (section.template === undefined ? { ...section, prompt: section.prompt ?? DEFAULT_PROMPT } : section))
    .prefault({}),
  innerLoop: innerLoopSchema.prefault({}),
  reward: z
    .strictObject({
      grader: z.enum(GRADERS).default('tokens'),
      /** For `grader: judge`. */
      judge: judgeSettingsSchema.optional(),
    })
    .prefault({}),
  selection: z
    .strictObject({
      /** `best-of-k`: the `keep` best of each context (stable order). `improves`: those of them above the unadapted policy. */
      rule: z.enum(['best-of-k', 'improves']).default('best-of-k'),
      keep: positiveInt.default(1),
    })
    .prefault({}),
  mStep: trainingSectionSchema
    .extend({
      rank: positiveInt.max(1024).default(64),
      alpha: z.number().positive().default(128),
      trainEpochs: positiveInt.max(10_000).default(2),
      learningRate: z.number().positive().max(1).default(3e-4),
      batch: positiveInt.max(4096).default(10),
    })
    .prefault({}),
  evaluation: z
    .strictObject({
      /** The default is the domain's, filled in below. */
      baselines: z.array(method).superRefine(checkRepetition).optional().meta({ default: [...defaultMethods] }),
      /** Held-out self-edits sampled from the policy for each context. */
      selfEditsPerContext: positiveInt.max(100).default(1),
      repeats: positiveInt.max(100).default(1),
      /** Of an answer. */
      maxNewTokens: positiveInt.max(1_048_576).default(64),
    })
    .prefault({}),
  /** Bounds for what a self-edit may ask for. Values outside are clamped; absurd ones reject the candidate. */
  limits: z
    .strictObject({
      learningRate: bounds(z.number().positive()).default([1e-6, 1e-1]),
      trainEpochs: bounds(positiveInt).default([1, 100]),
      maxRows: positiveInt.default(200),
      /** Tokens of one training row; a longer one rejects the self-edit. Never more than the model's context. */
      maxRowTokens: positiveInt.default(2048),
      /** A fine-tune or evaluation longer than this is killed and retried. */
      activitySeconds: positiveInt.max(2_592_000).default(3600),
      /** Between two checkpoints of a fine-tune; 0: after every step. Changes no result. */
      checkpointSeconds: z.number().nonnegative().max(86_400).default(60),
      /** A compute process that gives no sign of life for this long is killed, and its work retried. @default a quarter of activitySeconds, at least 120 */
      stallSeconds: positiveInt.max(2_592_000).optional(),
    })
    .prefault({}),
  /** What an hour of a worker costs whose language model is busy. Changes no result. */
  ledger: z
    .strictObject({
      pricePerHour: z.number().nonnegative().max(1_000_000),
      /** As ISO 4217 names it. */
      currency: z.string().regex(/^[A-Z]{3}$/, 'three capitals, as EUR').default('USD'),
    })
    .optional(),
  /** Where and how precisely the model is computed: part of every result's lineage. */
  compute: z
    .strictObject({
      executionProviders: z.array(z.enum(EXECUTION_PROVIDERS)).nonempty().default(['cpu']),
      basePrecision: z.enum(BASE_PRECISIONS).default('float32'),
      generationPrecision: z.enum(GENERATION_PRECISIONS).default('float32'),
    })
    .prefault({}),
  concurrency: z
    .strictObject({
      /** Candidate workflows running at once. */
      candidates: positiveInt.max(400).default(64),
      /** Candidates fine-tuned and evaluated stacked, as one batch; fixed by position, so it is part of the result. */
      group: positiveInt.max(256).default(1),
    })
    .prefault({}),
});

function checkRepetition(names: readonly string[], context: z.RefinementCtx): void {
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) context.addIssue({ code: 'custom', message: 'each baseline once', params: { got: `${repeated} twice` } });
}

type Fields = z.infer<ReturnType<typeof fieldsSchema>>;

/** What fields of one section ask of another. */
function checkFields({ proposals, selection, reward, evaluation }: Fields, context: z.RefinementCtx): void {
  const refuse = (path: string[], message: string): void => context.addIssue({ code: 'custom', path, message });
  if (selection.keep > proposals.k) refuse(['selection', 'keep'], `at most proposals.k, which is ${proposals.k}`);
  if (proposals.endpoint === undefined) {
    const path = ['proposals', 'endpoint'];
    if (proposals.source === 'endpoint') refuse(path, 'url and model of an endpoint, for proposals.source: endpoint');
    if (evaluation.baselines?.includes('endpoint') === true) refuse(path, 'url and model of an endpoint, for the endpoint baseline');
  }
  if (reward.grader === 'judge' && reward.judge === undefined) refuse(['reward', 'judge'], 'url and model of an endpoint, for reward.grader: judge');
}

/** What a campaign file knows of a domain. */
interface DomainMethods {
  readonly name: string;
  readonly baselines: readonly string[];
  readonly defaultMethods: readonly string[];
}

function methodsOf({ baselines }: DomainMethods): string[] {
  return [...COMMON_METHODS, ...baselines.flatMap((name) => [name, `${name}${STEP_MATCHED}`])];
}

function withMethods({ evaluation, ...spec }: Fields, { defaultMethods }: Pick<DomainMethods, 'defaultMethods'>) {
  return { ...spec, evaluation: { ...evaluation, baselines: evaluation.baselines ?? [...defaultMethods] } };
}

/** A campaign of any domain, as the record keeps it: whole. */
export const campaignSpecSchema = fieldsSchema(z.string(), z.string(), ANY_DOMAINS_METHODS)
  .superRefine(checkFields)
  .transform((spec) => withMethods(spec, { defaultMethods: ANY_DOMAINS_METHODS }));

/** A campaign file: whoever parses one applies all rules, those of the domains that there are included. */
export function campaignSpecSchemaOf(domains: readonly DomainMethods[]) {
  const { defaultMethods } = domains.find(({ name }) => name === DEFAULT_DOMAIN) ?? domains[0]!;
  return fieldsSchema(z.enum(domains.map(({ name }) => name)), z.enum([...new Set(domains.flatMap(methodsOf))]), defaultMethods)
    .superRefine(checkFields)
    .superRefine(({ domain, evaluation }, context) => {
      const known = domains.filter(({ name }) => name === domain).flatMap(methodsOf);
      evaluation.baselines?.forEach((name, i) => {
        if (!known.includes(name)) context.addIssue({ code: 'custom', path: ['evaluation', 'baselines', i], message: `one of ${known.join(', ')}, for domain: ${domain}` });
      });
    })
    .transform((spec) => withMethods(spec, domains.find(({ name }) => name === spec.domain)!));
}

export type CampaignSpec = z.infer<typeof campaignSpecSchema>;
export type ContextSource = z.infer<typeof contextSourceSchema>;
export type TrainingSection = z.infer<typeof trainingSectionSchema>;
export type InnerLoop = z.infer<typeof innerLoopSchema>;
export type GraderName = (typeof GRADERS)[number];
export type PromptName = (typeof PROMPTS)[number];

/** Returns the prompt of a campaign without a template. */
export function promptOf({ proposals }: CampaignSpec): PromptName {
  return proposals.prompt ?? DEFAULT_PROMPT;
}
export type LossOn = z.infer<typeof lossOn>;

/** What of a file of passages cannot be asked about. */
export interface LeftOut {
  /** Questions without an answer. */
  readonly unanswerable: number;
  /** Passages without a question that has one. */
  readonly withoutQuestions: number;
}
