import { mkdirSync, writeFileSync } from 'node:fs';
import { BadInputError } from '../../../campaign/errors';
import { DEFAULT_CHAT_DATE, hasChatTemplate, loadChatTemplate } from '../../../engine/files/chat-template';
import { loadTokenizer } from '../../../engine/files/tokenizer';
import { goldenModel, goldens } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();
const user = (content: string) => [{ role: 'user', content }];

/** A directory whose template is this text. */
function withTemplate(template: unknown, config: Record<string, unknown> = {}): string {
  mkdirSync(directory.path('model'), { recursive: true });
  writeFileSync(directory.path('model', 'tokenizer_config.json'), JSON.stringify({ ...config, chat_template: template }));
  return directory.path('model');
}

const render = (template: unknown, config?: Record<string, unknown>, date?: string): string =>
  loadChatTemplate(withTemplate(template, config)).render(user('hi'), { addGenerationPrompt: true, ...(date === undefined ? {} : { date }) });

describe.each(goldens.chats)('chat template of $model', ({ model, chats }) => {
  it.each(chats.map((chat) => [chat.messages.length, chat.addGenerationPrompt, chat] as const))(
    'renders and encodes %i messages (generation prompt: %s) as transformers does',
    (_length, addGenerationPrompt, { messages, date, text, ids }) => {
      const rendered = loadChatTemplate(goldenModel(model)).render(messages, { addGenerationPrompt, date });
      expect(rendered).toBe(text);
      expect(loadTokenizer(goldenModel(model)).encodeCompletion(rendered, true)).toEqual(ids);
    },
  );

  it('says why it does not take messages', () => {
    const refuse = (): string => loadChatTemplate(goldenModel(model)).render([{ role: 'user', content: 'a' }, { role: 'herald', content: 'b' }], { addGenerationPrompt: true });
    expect(refuse).toThrow(BadInputError);
    expect(refuse).toThrow(/expected messages that the chat template takes, got .*herald/);
  });
});

describe('loadChatTemplate', () => {
  it('takes a text, the default of several, or a file before both', () => {
    expect(render('text')).toBe('text');
    expect(render([{ name: 'rag', template: 'other' }, { name: 'default', template: 'chosen' }])).toBe('chosen');
    writeFileSync(directory.path('model', 'chat_template.jinja'), 'file');
    expect(render('text')).toBe('file');
    expect(hasChatTemplate(directory.path('model'))).toBe(true);
  });

  it('fills in special tokens, however they are written', () => {
    expect(render('{{ bos_token }}|{{ eos_token }}', { bos_token: '<s>', eos_token: { content: '</s>', lstrip: false }, add_bos_token: true })).toBe('<s>|</s>');
  });

  it('writes the given day, and one fixed day without it', () => {
    const format = '{{ strftime_now("%d %b %Y|%-d %B %y|%A %a|%H:%M:%S|%e|100%%") }}';
    expect(render(format, {}, '2026-11-02')).toBe('02 Nov 2026|2 November 26|Monday Mon|00:00:00| 2|100%');
    expect(render('{{ date_string }}', {}, '2024-02-29')).toBe('29 Feb 2024');
    expect(render('{{ strftime_now("%Y-%m-%d") }}')).toBe(DEFAULT_CHAT_DATE);
    expect(() => render('{{ strftime_now("%Q") }}')).toThrow(/got date format "%Q": expected the directives %Y .* got %Q/);
  });

  it.each(['2026-02-30', '2026-13-01', '26-01-01', 'today', '2026-1-1'])('refuses %s as a day', (date) => {
    expect(() => render('text', {}, date)).toThrow(`date: expected a day as YYYY-MM-DD, got "${date}"`);
  });

  it('has neither tools nor documents, and bounds a loop', () => {
    expect(render('{{ tools is none }} {{ documents is none }} {% for i in range(1, 7, 2) %}{{ i }}{% endfor %}')).toBe('true true 135');
    expect(() => render('{% for i in range(1000000000) %}x{% endfor %}')).toThrow(/got range\(1000000000\) is longer than 100000/);
  });

  it.each<[template: unknown, message: RegExp]>([
    [undefined, /tokenizer_config\.json: expected a chat_template, or a file chat_template\.jinja beside it, got neither/],
    [null, /got neither/],
    [7, /chat_template: expected a text, or a list of \{name, template\} with the name "default", got 7/],
    [[{ name: 'rag', template: 'x' }], /with the name "default"/],
    ['{% if %}', /chat_template: expected a Jinja template, got/],
  ])('refuses %j as a template', (template, message) => {
    expect(() => render(template)).toThrow(BadInputError);
    expect(() => render(template)).toThrow(message);
  });
});
