import type { Example, ExampleSelfEdit, ReportDocument } from '../../record/documents/report';
import { EXAMPLES } from '../collect-examples';
import { score, whole } from '../figures';
import { type Column, type Html, html, section, table } from '../html';

/** Self-edits before and after training, side by side. */
export function examplesSection({ report: { examples, methods } }: ReportDocument): Html {
  const shown = examples.filter(({ selfEdits }) => selfEdits.length > 0);
  if (shown.length === 0) return html``;
  const grader = methods[0]?.grader ?? '';
  return section(
    'examples',
    'Self-edits before and after',
    html`<p>Chosen by a rule: the ${EXAMPLES} held-out contexts with the lowest ids (an id is a hash of the passage), candidate 1 of each, first by the policy before any training on self-edits, then after the last epoch. Scores are of the policy trained on that self-edit alone.${shown.every(sameText) ? ' Here both are the same text: only the policy that is trained on it differs.' : ''}</p>`,
    ...shown.map((example) => exampleArticle(example, grader)),
  );
}

/** As where self-edits are recorded ones. */
function sameText({ selfEdits }: Example): boolean {
  return selfEdits.length > 1 && selfEdits.every(({ text }) => text === selfEdits[0]?.text);
}

function exampleArticle({ contextId, title, passage, selfEdits }: Example, grader: string): Html {
  return html`<article>
<h3>${title} <code>${contextId}</code></h3>
<details><summary>The passage</summary><pre tabindex="0">${passage}</pre></details>
<div class="pair">${selfEdits.map((selfEdit) => selfEditPart(selfEdit))}</div>
${answersTable(title, selfEdits, grader)}
</article>`;
}

function selfEditPart({ method, text, characters, score: value, rejected, diverged }: ExampleSelfEdit): Html {
  const said = diverged ? 'its training diverged: the policy answered untrained' : rejected ? 'rejected: the policy answered untrained' : value === null ? 'not evaluated' : `score ${score(value)}`;
  return html`<div><h4>${method}: ${said}</h4>
<pre tabindex="0">${text === '' ? html`<em>empty</em>` : text}</pre>
<p class="note">${whole(characters)} characters</p></div>`;
}

interface QuestionRow {
  readonly question: string;
  readonly goldAnswer: string;
  readonly place: number;
}

function answersTable(title: string, selfEdits: readonly ExampleSelfEdit[], grader: string): Html {
  const rows: QuestionRow[] = (selfEdits.find(({ answers }) => answers.length > 0)?.answers ?? []).map(({ question, goldAnswer }, place) => ({ question, goldAnswer, place }));
  if (rows.length === 0) return html``;
  const columns: readonly Column<QuestionRow>[] = [
    { head: 'question', cell: ({ question }) => question, prose: true },
    { head: 'expected', cell: ({ goldAnswer }) => goldAnswer, prose: true },
    ...selfEdits.map(({ method, answers }): Column<QuestionRow> => ({ head: method, cell: ({ place }) => answerCell(answers[place], grader), prose: true })),
  ];
  return table(`Answers about ${title}, first repeat`, columns, rows);
}

function answerCell(answer: ExampleSelfEdit['answers'][number] | undefined, grader: string): Html {
  if (answer === undefined) return html``;
  if (answer.answer === null || grader === 'logprob') return html`${score(answer.score)}`;
  const verdict = answer.score === 1 ? html`<strong>✓ right</strong>` : answer.score === 0 ? html`✗ wrong` : html`${score(answer.score)}`;
  return html`${verdict}: ${answer.answer === '' ? html`<em>empty</em>` : answer.answer}`;
}
