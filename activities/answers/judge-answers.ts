import type { CampaignInput } from '../../campaign/campaign';
import type { CampaignSpec } from '../../campaign/campaign-spec';
import type { JudgeSettings } from '../../campaign/endpoint';
import { BadInputError } from '../../campaign/errors';
import type { JudgeVerdict } from '../../record/documents/candidates';
import { manifestKeys } from '../../record/keys';
import type { GradedAnswer } from '../../seal/graders/graded-answer';
import { isVerdictWhole, judgePrompt, needsNoJudge, verdictGrade } from '../../seal/graders/judge';
import { canonicalJson } from '../../storage/canonical-json';
import { hashBytes } from '../../storage/content-hash';
import type { Services } from '../services';
import { askAll } from './ask-all';
import { storedAnswer } from './stored-answer';

export const JUDGE = 'reward.judge';

export interface JudgedAnswer {
  readonly score: 0 | 1;
  /** Absent where there was nothing to ask. */
  readonly verdict?: JudgeVerdict;
}

/** @throws BadInputError where the campaign names none */
export function judgeSettings({ reward }: CampaignSpec): JudgeSettings {
  if (reward.judge !== undefined) return reward.judge;
  throw new BadInputError({ where: JUDGE, expected: 'the endpoint that judges answers', got: 'nothing' });
}

/**
 * The judge's verdicts on answers, in their order. The same question, gold answer and answer are judged once a campaign.
 *
 * @throws EndpointFailedError for a reply that is no verdict: cut off, refused, empty; as `TextEndpoint.ask`
 */
export async function judgeAnswers(
  services: Services,
  input: CampaignInput,
  answers: readonly GradedAnswer[],
  signal: AbortSignal,
): Promise<JudgedAnswer[]> {
  const settings = judgeSettings(input.spec);
  const endpoint = services.endpoints.open(JUDGE, settings);
  const prompts = answers.map((answer) => (needsNoJudge(answer) ? null : judgePrompt(answer)));
  const asked = [...new Set(prompts.filter((prompt) => prompt !== null))];
  const { url, model, protocol, maxNewTokens } = settings;
  // A base model does not end by itself.
  const isUsableCutOff = protocol === 'completions' ? isVerdictWhole : () => false;
  const replies = await askAll(
    signal,
    asked.map((prompt) => (inner: AbortSignal) => {
      const asking = { url, model, protocol, maxNewTokens };
      const { sha256 } = hashBytes(Buffer.from(canonicalJson({ ...asking, prompt })));
      // Texts are for artifacts: manifests are exported without them.
      const lineage = { inputs: {}, codeVersion: input.codeVersion, settings: asking };
      const key = manifestKeys.verdict(input.campaignId, sha256);
      return storedAnswer(services.store, key, lineage, endpoint, { prompt, maxNewTokens, temperature: 0, limitField: `${JUDGE}.maxNewTokens`, isUsableCutOff }, inner);
    }),
  );
  const replyTo = new Map(asked.map((prompt, i) => [prompt, replies[i]!.text]));
  return prompts.map((prompt) => {
    const reply = prompt === null ? undefined : replyTo.get(prompt);
    return reply === undefined ? { score: 0 } : { score: verdictGrade(reply), verdict: { model, reply } };
  });
}
