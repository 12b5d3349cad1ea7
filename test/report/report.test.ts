import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { renderCandidatesCsv } from '../../activities/report/candidates-csv';
import type { CandidateRow } from '../../activities/report/report-document';
import { sampleDocument } from './sample-document';

/** A plotting library of ES modules does not load inside Jest: the page is rendered by a Node of its own. */
function renderPage(change: string): string {
  const script = `
    const { renderReportHtml } = require(${JSON.stringify(join(__dirname, '..', '..', 'activities', 'report', 'report-html.js'))});
    const { sampleDocument } = require(${JSON.stringify(join(__dirname, 'sample-document.js'))});
    const change = ${change};
    renderReportHtml(change(sampleDocument())).then((page) => process.stdout.write(page));`;
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', maxBuffer: 1 << 24 });
}

describe('report.html', () => {
  const document = sampleDocument();
  let page: string;
  beforeAll(() => {
    page = renderPage('(document) => document');
  });

  it('needs no other file', () => {
    expect(page).not.toMatch(/<script|<link|src=|@import|url\(/);
    expect(page.startsWith('<!doctype html>')).toBe(true);
  });

  it('draws each of its three plots for laptops and for phones', () => {
    expect(page.match(/<svg /g)).toHaveLength(6);
    expect(page).toContain('accuracy (fraction of questions)');
    expect(page).toContain('difference in accuracy (fraction of questions)');
    expect(page).toContain('reward: accuracy (fraction of questions)');
  });

  it('draws an error bar and a dot for every method', () => {
    const methods = document.report.methods.length;
    const [scores = ''] = page.match(/<svg [\s\S]*?<\/svg>/g) ?? [];
    expect(scores.match(/<circle /g)).toHaveLength(methods);
    expect(scores.match(/aria-label="rule"[\s\S]*?<\/g>/g)?.at(-1)?.match(/<line /g)).toHaveLength(methods);
  });

  it('tells every method, comparison, epoch and input in words', () => {
    for (const { name, score } of document.report.methods) expect(page).toContain(`<td>${name}</td><td class="number">${score.toFixed(4)}</td>`);
    for (const { a, b } of document.report.comparisons) expect(page).toContain(`<td>${a}</td><td>${b}</td>`);
    for (const hash of Object.values(document.lineage.model)) expect(page).toContain(hash);
    expect(page).toContain('−0.0210');
  });

  it('names what was left out and why, with what a self-edit wrote escaped', () => {
    expect(page).toContain('no line to train on, only &lt;blank&gt; lines');
    expect(page).not.toContain('<blank>');
  });

  it('says of a campaign that has just begun what is not there yet', () => {
    const begun = renderPage(
      '(document) => ({ ...document, candidates: [], report: { ...document.report, state: "running", methods: [], epochs: [], comparisons: [], excluded: [] } })',
    );
    expect(begun).toContain('No method has been evaluated yet.');
    expect(begun).toContain('No candidate has a reward yet.');
    expect(begun).not.toContain('<svg ');
  });

  it('states log-probabilities in nats', () => {
    const logprob = renderPage(
      '(document) => ({ ...document, report: { ...document.report, methods: document.report.methods.map((method) => ({ ...method, grader: "logprob", score: -method.score })) } })',
    );
    expect(logprob).toContain('reward: gain in log-probability per answer token (nats)');
  });

  it('shows every reward in a histogram, the lowest and the highest too', () => {
    const page = renderPage(
      '(document) => ({ ...document, report: { ...document.report, methods: document.report.methods.map((method) => ({ ...method, grader: "logprob" })) }, candidates: [0.0018, 0.002, 0.0049, 0.022].map((reward) => ({ ...document.candidates[0], reward, selected: false })) })',
    );
    const [, , rewards = ''] = page.match(/<div class="wide"><svg [\s\S]*?<\/svg>/g) ?? [];
    expect(rewards.match(/<rect /g)).toHaveLength(3);
  });
});

describe('candidates.csv', () => {
  const [row] = sampleDocument().candidates;

  it('has a record a candidate, ended by CRLF', () => {
    const csv = renderCandidatesCsv(sampleDocument().candidates);
    expect(csv.split('\r\n')).toHaveLength(1 + 192 + 1);
    expect(csv.replaceAll('\r\n', '')).not.toContain('\n');
  });

  it('quotes what would break a record', () => {
    const odd: CandidateRow = { ...row!, title: 'Vel, "a\ntown"', reward: null, repeatRewards: [0.5, 1], selected: false, steps: null, reason: '' };
    expect(renderCandidatesCsv([odd])).toBe(
      'id,epoch,context,title,candidate,status,reward,repeat_rewards,selected,steps,trained_tokens,reason,adapters\r\n' +
        `demo/epoch-1/0a1b2c3d/c1,1,0a1b2c3d,"Vel, ""a\ntown""",1,scored,,0.5 1,false,,1200,,${'ab'.repeat(32)}\r\n`,
    );
  });
});
