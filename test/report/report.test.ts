import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { renderCandidatesCsv } from '../../report/candidates-csv';
import type { CandidateRow } from '../../record/documents/report';
import { sampleDocument } from './sample-document';

/** A plotting library of ES modules does not load inside Jest: the page is rendered by a Node of its own. */
function renderPage(change: string): string {
  const script = `
    const { renderReportHtml } = require(${JSON.stringify(join(__dirname, '..', '..', 'report', 'report-html.js'))});
    const { sampleDocument } = require(${JSON.stringify(join(__dirname, 'sample-document.js'))});
    const change = ${change};
    renderReportHtml(change(sampleDocument())).then((page) => process.stdout.write(page));`;
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', maxBuffer: 1 << 24 });
}

interface PageElement {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The page's elements as a parser sees them, whatever their texts say. */
function elementsOf(page: string): PageElement[] {
  const script = `
    import('linkedom').then(({ parseHTML }) => {
      const { document } = parseHTML(require('node:fs').readFileSync(0, 'utf8'));
      const elements = [...document.querySelectorAll('*')].map(({ localName, attributes }) =>
        ({ tag: localName, attributes: Object.fromEntries([...attributes].map(({ name, value }) => [name, value])) }));
      process.stdout.write(JSON.stringify(elements));
    });`;
  return JSON.parse(execFileSync(process.execPath, ['-e', script], { input: page, encoding: 'utf8', maxBuffer: 1 << 26 })) as PageElement[];
}

/** Elements and attributes that fetch something or run something. */
function activeParts(page: string): string[] {
  const active = new Set(['script', 'link', 'img', 'image', 'iframe', 'object', 'embed', 'video', 'audio', 'form', 'use', 'base']);
  return elementsOf(page).flatMap(({ tag, attributes }) => [
    ...(active.has(tag) ? [tag] : []),
    ...Object.entries(attributes).flatMap(([name, value]) => (/^(on|src|xlink)/.test(name) || (name === 'href' && !value.startsWith('#')) ? [`${tag} ${name}`] : [])),
  ]);
}

describe('report.html', () => {
  const document = sampleDocument();
  let page: string;
  beforeAll(() => {
    page = renderPage('(document) => document');
  });

  it('needs no other file and runs nothing', () => {
    expect(activeParts(page)).toEqual([]);
    expect(activeParts('<p onclick="x()"><img src="a.png"><a href="http://x">')).toEqual(['p onclick', 'img', 'img src', 'a href']);
    expect(page).not.toMatch(/@import|url\(/);
    expect(page.startsWith('<!doctype html>')).toBe(true);
  });

  it('draws each of its seven plots for laptops and for phones, and says what it shows', () => {
    expect(page.match(/<svg /g)).toHaveLength(14);
    const plots = elementsOf(page).filter(({ tag }) => tag === 'svg');
    expect(plots.map(({ attributes }) => [attributes['role'], (attributes['aria-label'] ?? '').length > 10])).toEqual(plots.map(() => ['img', true]));
    expect(page.match(/<figcaption>/g)).toHaveLength(7);
    expect(page).toContain('accuracy (fraction of questions)');
    expect(page).toContain('difference in accuracy (fraction of questions)');
    expect(page).toContain('reward: accuracy (fraction of questions)');
    expect(page).toContain('pass over the self-edit\'s rows');
    expect(page).toContain('seconds since the first computation');
  });

  it('counts the self-edits of an epoch that were cut off, and says what became of them where there are any', () => {
    const rows = page.slice(page.indexOf('Epochs: what was proposed'));
    expect(rows).toMatch(/<th scope="row">1<\/th>\s*<td[^>]*>96<\/td>\s*<td[^>]*>20<\/td>\s*<td[^>]*>4<\/td>/);
    expect(page).toContain('its unfinished last line are learnt without an end');
    const none = renderPage('(document) => { document.report.epochs[0].cutOff = 0; return document; }');
    expect(none).not.toContain('learnt without an end');
  });

  it('has tables that a screen reader can name: a caption, column heads and row heads', () => {
    const tables = page.match(/<table>[\s\S]*?<\/table>/g) ?? [];
    expect(tables.length).toBeGreaterThan(8);
    for (const table of tables) {
      expect(table).toMatch(/<caption>[^<]+<\/caption>/);
      expect(table).toMatch(/<th scope="col"/);
      const [, body = ''] = /<tbody>([\s\S]*)<\/tbody>/.exec(table) ?? [];
      expect(body.match(/<th scope="row"/g)?.length).toBe(body.match(/<tr>/g)?.length);
    }
    // What scrolls sideways can be reached by keyboard.
    expect(page.match(/<div class="scroll" tabindex="0" role="region" aria-label="[^"]+">/g)).toHaveLength(tables.length);
  });

  it('leads to every section from its contents', () => {
    const headings = [...page.matchAll(/<h2 id="([^"]+)">/g)].map(([, id]) => id);
    const links = [...page.matchAll(/<a href="#([^"]+)">/g)].map(([, id]) => id);
    expect(links).toEqual(headings);
    expect(headings).toEqual(['scores', 'comparisons', 'rewards', 'examples', 'lengths', 'losses', 'timeline', 'ledger', 'contexts', 'excluded', 'revisions', 'lineage']);
  });

  it('draws an error bar and a dot for every method', () => {
    const methods = document.report.methods.length;
    const [scores = ''] = page.match(/<svg [\s\S]*?<\/svg>/g) ?? [];
    expect(scores.match(/<circle /g)).toHaveLength(methods);
    expect(scores.match(/aria-label="rule"[\s\S]*?<\/g>/g)?.at(-1)?.match(/<line /g)).toHaveLength(methods);
  });

  it('tells every method, comparison, epoch and input in words', () => {
    for (const { name, score } of document.report.methods) expect(page).toContain(`<th scope="row">${name}</th><td class="number">${score.toFixed(4)}</td>`);
    for (const { a, b } of document.report.comparisons) expect(page).toContain(`<th scope="row">${a}</th><td>${b}</td>`);
    for (const hash of Object.values(document.lineage.model)) expect(page).toContain(hash);
    expect(page).toContain('−0.0210');
  });

  it('says in how many contexts all rewards are equal, and in which epochs selection had nothing to go by', () => {
    expect(page).toContain('<th scope="col" class="number">all rewards equal</th>');
    expect(page).toContain('<td class="number">3 of 12</td>');
    expect(page).toContain('<p>Epoch 2: in every context all rewards are equal, so that selection kept what was proposed first and says nothing.</p>');
    expect(page.match(/in every context all rewards are equal/g)).toHaveLength(1);
  });

  it('says what of a method counts as unadapted, and nothing where nothing does', () => {
    expect(page).toContain('<p>self-edits: 2 self-edits rejected, 1 training diverged, of 60; counted as the unadapted policy answers.</p>');
    expect(page.match(/counted as the unadapted policy answers/g)).toHaveLength(1);
  });

  it('says whose campaign it is and what it cost each fine-tune', () => {
    expect(page).toContain('<dt>base model</dt><dd>nano <code>666666666666</code></dd>');
    expect(page).toContain('<dt>first computation</dt><dd>2026-11-22 09:00 UTC</dd>');
    // 141 s of training for 432 fine-tunes.
    expect(page).toContain('<th scope="row">training</th><td class="number">2 min 21 s</td><td class="number">0.3 s</td>');
  });

  it('shows self-edits before and after with their scores, the rule of choice, and what was answered', () => {
    expect(page).toContain('the 3 held-out contexts with the lowest ids');
    expect(page).toContain('<h4>self-edits: score 0.2500</h4>');
    expect(page).toContain('<h4>seal-epoch-2: score 0.7500</h4>');
    expect(page).toContain('<strong>✓ right</strong>: by the sea');
    expect(page).toContain('✗ wrong: &lt;/pre&gt;&lt;script&gt;');
  });

  it('names what was left out and why, counted by reason, with what a self-edit wrote escaped', () => {
    expect(page).toContain('<th scope="row" class="prose">no line to train on, only &lt;blank&gt; lines</th><td>rejected</td><td class="number">8</td>');
    expect(page).not.toContain('<blank>');
  });

  it('escapes hostile text wherever a model or a data set may have written it', () => {
    const hostile = `</pre><script>alert("x")</script> & '<img src=x onerror=alert(1)>'\u0000\u001b[31m`;
    const attacked = renderPage(`(document) => {
      const hostile = ${JSON.stringify(hostile)};
      const replace = (value) => typeof value === 'string' && !/^(\\d{4}-|running|completed|scored|rejected|failed|done|propose|unadapted|fine-tune|evaluate|m-step|pass$|exact$)/.test(value) ? hostile + value
        : Array.isArray(value) ? value.map(replace)
        : value !== null && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner)])) : value;
      return replace(document);
    }`);
    expect(activeParts(attacked)).toEqual([]);
    // eslint-disable-next-line no-control-regex -- none may be left
    expect(attacked).not.toMatch(/[\u0000-\u0008\u000e-\u001f]/);
    expect(attacked.match(/<pre tabindex="0">/g)?.length).toBe(attacked.match(/<\/pre>/g)?.length);
    expect(attacked).toContain('&lt;/pre&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;&lt;img src=x');
  });

  it('stays small however many candidates, workers, contexts and epochs there are', () => {
    const large = renderPage(`(document) => {
      const epochs = 20;
      const candidates = Array.from({ length: 5000 }, (_, i) => ({ ...document.candidates[i % 192], id: 'c/' + i, epoch: i % epochs + 1, reward: (i * 7919 % 1000) / 1000, status: i % 5 === 0 ? 'failed' : 'scored', reason: 'reason ' + i }));
      const bars = Array.from({ length: 3000 }, (_, i) => ({ ...document.report.timeline.bars[0], worker: i % 300 + '@host', startSeconds: i, endSeconds: i + 1 }));
      const workers = Array.from({ length: 300 }, (_, i) => ({ worker: i + '@host', computations: 10, failed: 0, busySeconds: i }));
      const contexts = Array.from({ length: 2000 }, (_, i) => ({ ...document.report.contexts[0], contextId: 'id' + i }));
      const innerLoop = Array.from({ length: epochs }, (_, i) => ({ ...document.report.losses.innerLoop[0], epoch: i + 1 }));
      return { ...document, candidates, report: { ...document.report, contexts, losses: { ...document.report.losses, innerLoop }, timeline: { ...document.report.timeline, bars, workers },
        excluded: candidates.filter(({ status }) => status === 'failed').map(({ id, status, reason }) => ({ id, status, reason })) } };
    }`);
    expect(Buffer.byteLength(large)).toBeLessThan(3_000_000);
    expect(large).toContain('Of 20 epochs, 6 are drawn');
    expect(large).toContain('Of 300 workers, the 20 busiest are drawn.');
    expect(large).toContain('1800 more are in report.json');
    expect(large).toContain('900 more are in candidates.csv');
  });

  it('says of a campaign that has just begun what is not there yet', () => {
    const begun = renderPage(
      `(document) => ({ ...document, candidates: [], report: { ...document.report, state: "running", methods: [], epochs: [], comparisons: [], excluded: [], fineTunes: 0, revisions: [], contexts: [], lengths: [],
        examples: [], losses: { part: 'pass', innerLoop: [], mStep: [] }, timeline: { startedAt: null, spanSeconds: 0, columnSeconds: null, workers: [], scopes: [], bars: [] } } })`,
    );
    expect(begun).toContain('No method has been evaluated yet.');
    expect(begun).toContain('No candidate has a reward yet.');
    expect(begun).toContain('Nothing has been trained yet.');
    expect(begun).toContain('No computation is recorded.');
    expect(begun).not.toContain('<svg ');
    expect(begun).not.toMatch(/NaN|undefined|Infinity/);
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
      'id,epoch,context,title,candidate,status,reward,repeat_rewards,selected,steps,trained_tokens,reason,adapters,self_edit_characters,cut_off,memory_parts\r\n' +
        `demo/epoch-1/0a1b2c3d/c1,1,0a1b2c3d,"Vel, ""a\ntown""",1,scored,,0.5 1,false,,1200,,${'ab'.repeat(32)},80,true,1\r\n`,
    );
  });
});
