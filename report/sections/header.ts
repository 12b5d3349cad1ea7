import type { ReportDocument } from '../../record/documents/report';
import { counted, seconds } from '../figures';
import { facts, type Html, html } from '../html';

/** What campaign this is, and where it stands. */
export function header({ report, candidates }: ReportDocument): Html {
  const { campaign, epochs, timeline, ledger } = report;
  const began = timeline.startedAt === null ? [] : [['first computation', `${timeline.startedAt.slice(0, 16).replace('T', ' ')} UTC`] as const];
  return html`<header>
<h1>${report.campaignId} <span class="state">${report.state}</span></h1>
<p class="lead">A SEAL training campaign: self-edits are proposed, trained on, rewarded by closed-book questions, and the best are taught to the policy.</p>
${facts([
  ['campaign file', campaign.name],
  ['seed', String(campaign.seed)],
  ['base model', html`${campaign.model} <code>${campaign.modelSha256.slice(0, 12)}</code>`],
  ['code version', campaign.codeVersion],
  ['epochs ended', String(epochs.length)],
  ['so far', `${counted(candidates.length, 'candidate')}, ${counted(report.fineTunes, 'fine-tune')}`],
  ['wall time', seconds(ledger.wallSeconds)],
  ...began,
])}
</header>`;
}
