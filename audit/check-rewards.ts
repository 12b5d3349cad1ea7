/** Scores follow from answers, rewards from scores, a candidate's record from its repeats. */
import { type CampaignInput, scopes } from '../campaign/campaign';
import { readAll } from '../record/bounded-reads';
import type { Recorded } from '../record/document-type';
import { adapterDocument, type Answer, candidateDocument, type CandidateRecord, evaluationDocument, type EvaluationSummary, groupAnswersFile, unadaptedFile, WEIGHTS_FILE } from '../record/documents/candidates';
import { manifestKeys } from '../record/keys';
import type { Domain } from '../seal/domains/domain';
import { grade } from '../seal/graders/grade';
import { needsNoJudge, verdictGrade } from '../seal/graders/judge';
import { logprobGain } from '../seal/graders/logprob';
import { candidateReward, repeatReward } from '../seal/algorithm/rewards';
import { mean } from '../seal/statistics/statistics';
import type { CampaignRecord } from './campaign-record';
import { contextsOf } from './contexts';
import type { Findings } from './findings';

type Question = Pick<Answer, 'question' | 'goldAnswer'>;
type EvaluationPlace = NonNullable<ReturnType<typeof manifestKeys.evaluation.parse>>;

export async function checkRewards(record: CampaignRecord, input: CampaignInput, domain: Domain, findings: Findings): Promise<void> {
  const questions = await questionsOf(record, input, domain);
  const unadapted = await checkUnadapted(record, input, questions, findings);
  const evaluations = record.documents(evaluationDocument, manifestKeys.evaluation);
  // Kept by the record, so that the checks in their order wait for none.
  await readAll(evaluations, ({ one }) => record.json(one, groupAnswersFile));
  for (const { one, at: { scope, contextId, candidate } } of evaluations) {
    const answers = (await record.json(one, groupAnswersFile))?.find((own) => own.contextId === contextId && own.candidate === candidate)?.answers;
    if (answers === undefined) {
      if (record.hasArtifacts) findings.add('reward', one.key, `answers of ${contextId}/c${candidate} in ${groupAnswersFile.name}`, 'none');
      continue;
    }
    const scores = checkAnswers(one.key, input, answers, questions?.get(contextId) ?? null, findings);
    const before = input.spec.reward.grader === 'logprob' && scopes.isTraining(scope) ? (unadapted.get(`${scope}/${contextId}`) ?? null) : null;
    const { summary } = one;
    findings.same('reward', `${one.key}: score`, mean(scores), summary.score);
    if (input.spec.reward.grader === 'logprob' && scopes.isTraining(scope) && before?.length !== scores.length) {
      findings.add('reward', one.key, 'as many unadapted answers as adapted ones', before?.length ?? 0);
      continue;
    }
    const reward = scopes.isTraining(scope) ? repeatReward(before === null ? scores : logprobGain(scores, before)) : undefined;
    findings.same('reward', `${one.key}: reward`, reward, summary.reward);
  }
  for (const { one, at } of evaluations) checkCost(record, one, at, findings);
  for (const { one, at } of record.documents(candidateDocument, manifestKeys.candidate)) checkCandidate(record, one, at, input, findings);
}

/** Question and gold answer of every context, in order; null where the contexts cannot be read. */
async function questionsOf(record: CampaignRecord, input: CampaignInput, domain: Domain): Promise<Map<string, readonly Question[]> | null> {
  const [train, heldOut] = [await contextsOf(record, input, domain, 'train'), await contextsOf(record, input, domain, 'heldOut')];
  if (train === null || heldOut === null) return null;
  return new Map([...train, ...heldOut].map(({ id, task }) => [id, domain.goldAnswers(task).map(({ question, goldAnswer }) => ({ question, goldAnswer }))]));
}

/** Scores by question of every scope's unadapted policy, by `<scope>/<context>`. */
async function checkUnadapted(
  record: CampaignRecord,
  input: CampaignInput,
  questions: ReadonlyMap<string, readonly Question[]> | null,
  findings: Findings,
): Promise<Map<string, readonly number[]>> {
  const scores = new Map<string, readonly number[]>();
  for (const { one, at } of record.matching(manifestKeys.unadapted)) {
    const chunk = await record.json(one, unadaptedFile);
    for (const { contextId, answers } of chunk ?? []) {
      scores.set(`${at.scope}/${contextId}`, checkAnswers(one.key, input, answers, questions?.get(contextId) ?? null, findings));
    }
  }
  return scores;
}

/** The scores that the answers deserve. */
function checkAnswers(key: string, input: CampaignInput, answers: readonly Answer[], questions: readonly Question[] | null, findings: Findings): number[] {
  if (questions !== null) {
    findings.same('reward', `${key}: questions`, questions, answers.map(({ question, goldAnswer }) => ({ question, goldAnswer })));
  }
  return answers.map((answer) => {
    const score = deserved(input, answer);
    findings.same('reward', `${key}: score of ${JSON.stringify(answer.question)}`, score, answer.score);
    return score;
  });
}

function deserved({ spec }: CampaignInput, { question, goldAnswer, answer = '', score, verdict }: Answer): number {
  const { grader } = spec.reward;
  // Of the gold answer itself: only the model could give it again.
  if (grader === 'logprob') return score;
  if (grader !== 'judge') return grade(grader, { question, goldAnswer, answer });
  return needsNoJudge({ goldAnswer, answer }) || verdict === undefined ? 0 : verdictGrade(verdict.reply);
}

/** An evaluation repeats what its fine-tune cost; where nothing was trained, or to no end, nothing, and it says which. */
function checkCost(record: CampaignRecord, one: Recorded<EvaluationSummary>, { campaignId, scope, contextId, candidate, repeat }: EvaluationPlace, findings: Findings): void {
  const adapter = record.document(adapterDocument, manifestKeys.adapter(campaignId, scope, contextId, candidate, repeat));
  const trained = adapter?.summary.status === 'trained' ? adapter.summary : { steps: 0, trainedTokens: 0 };
  const { steps, trainedTokens } = trained;
  const unadapted = adapter === null ? 'rejected' : adapter.summary.status === 'diverged' ? 'diverged' : undefined;
  const got = one.summary;
  findings.same('reward', `${one.key}: steps and tokens`, { steps, trainedTokens, unadapted }, { steps: got.steps, trainedTokens: got.trainedTokens, unadapted: got.unadapted });
}

function checkCandidate(record: CampaignRecord, { key, summary: got }: Recorded<CandidateRecord>, at: Omit<EvaluationPlace, 'repeat'>, { spec }: CampaignInput, findings: Findings): void {
  if (got.status !== 'scored') return;
  const repeats = Array.from({ length: spec.innerLoop.repeats }, (_, i) => [at.campaignId, at.scope, at.contextId, at.candidate, i + 1] as const);
  const rewards = repeats.map((repeat) => record.document(evaluationDocument, manifestKeys.evaluation(...repeat))?.summary.reward);
  findings.same('reward', `${key}: repeatRewards`, rewards.map((reward) => reward ?? null), got.repeatRewards);
  findings.same('reward', `${key}: adapters`, repeats.map((repeat) => record.find(manifestKeys.adapter(...repeat))?.manifest.files[WEIGHTS_FILE]?.sha256 ?? null), got.adapters);
  if (rewards.every((reward) => reward !== undefined)) findings.same('reward', `${key}: reward`, candidateReward(rewards), got.reward);
}
