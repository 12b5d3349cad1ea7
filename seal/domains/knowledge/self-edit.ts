/**
 * From what a policy wrote to what the inner loop trains on: accepted with its rows, or rejected with its reason.
 * Source: paper, "Knowledge Incorporation" (self-edits) and "General Framework" (a self-edit may say how to train).
 *
 * Departure: the reference trains on whatever was sampled; a self-edit that cannot teach anything is rejected here
 * and named in the report, so that it costs no fine-tune.
 */
import type { Passage } from './passage';
import type { CampaignSpec, InnerLoop } from '../../../campaign/campaign-spec';
import type { ParsedSelfEdit, SelfEdit } from '../domain';
import { type Limits, parseDirectives } from './directives';
import { endsWithinLine, selfEditLines, trainingRows } from './training-rows';

/** What of a campaign file shapes training rows. */
export interface SelfEditSettings {
  readonly innerLoop: Pick<InnerLoop, 'lossOn' | 'includePassage' | 'maxSteps'>;
  readonly limits: Limits;
  /** What was asked for decides how the answer is cut into rows. */
  readonly proposals: Pick<CampaignSpec['proposals'], 'prompt' | 'template'>;
}

/** Tokens are rarely longer; a line beyond maxRowTokens times this needs no tokenizer to be refused. */
const MAX_CHARACTERS_PER_TOKEN = 16;
/** A self-edit with more unreadable characters than this share is garbled. */
const MAX_UNREADABLE_SHARE = 0.1;
/** Control characters but tab and line ends, lone surrogates, private code points, the replacement character. */
const UNREADABLE = /(?![\t\n\r])[\p{Cc}\p{Cs}\p{Co}\uFFFD]/gu;

/** Never throws. Reasons and notes are one line each. */
export function parseSelfEdit({ text, isCutOff = false }: SelfEdit, context: Passage, settings: SelfEditSettings): ParsedSelfEdit {
  const garbled = whyGarbled(text);
  if (garbled !== null) return { accepted: false, reason: garbled };

  const parsed = parseDirectives(text, settings.limits);
  if (!parsed.accepted) return parsed;
  const { directives, notes, rest } = parsed;

  const { prompt, template } = settings.proposals;
  const selfQa = template === undefined && prompt === 'self-qa';
  const lines = selfEditLines(rest, selfQa);
  const unusable = whyUnusable(lines, settings.limits);
  if (unusable !== null) return { accepted: false, reason: unusable };

  const { lossOn, includePassage, maxSteps } = settings.innerLoop;
  const isLastUnfinished = isCutOff && endsWithinLine(rest, selfQa);
  const rows = trainingRows(context, lines, { lossOn: directives.lossOn ?? lossOn, includePassage, isLastUnfinished });
  const idle =
    directives.trainEpochs !== undefined && maxSteps !== undefined
      ? [`num_train_epochs has no effect: the campaign fixes ${maxSteps} optimiser steps`]
      : [];
  return { accepted: true, rows, directives, notes: [...notes, ...idle] };
}

function whyGarbled(text: string): string | null {
  if (text.trim() === '') return 'the self-edit is empty';
  const unreadable = text.match(UNREADABLE)?.length ?? 0;
  if (unreadable > text.length * MAX_UNREADABLE_SHARE) {
    return `the self-edit is garbled: ${unreadable} of ${text.length} characters are control or replacement characters`;
  }
  return /\p{L}/u.test(text) ? null : 'the self-edit is garbled: it has no letter';
}

function whyUnusable(lines: readonly string[], { maxRows, maxRowTokens }: Limits): string | null {
  if (!lines.some((line) => /\p{L}/u.test(line))) return 'the self-edit has no line to train on';
  if (lines.length > maxRows) return `the self-edit has ${lines.length} lines, more than limits.maxRows ${maxRows}`;
  const long = lines.findIndex((line) => line.length > maxRowTokens * MAX_CHARACTERS_PER_TOKEN);
  if (long < 0) return null;
  const size = `${lines[long]!.length} characters`;
  return `line ${long + 1} of the self-edit has ${size}, too many for limits.maxRowTokens ${maxRowTokens}`;
}
