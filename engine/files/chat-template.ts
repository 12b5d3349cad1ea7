import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { readBoundedFile } from './bounded-file';
import { describeValue, isJsonObject, readJsonObject, type JsonObject } from './json-file';
import { parseDay, strftime } from './strftime';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface ChatOptions {
  /** Ends with what opens the assistant's turn. */
  readonly addGenerationPrompt: boolean;
  /** The day a template may write into a prompt, `YYYY-MM-DD`. @default DEFAULT_CHAT_DATE: never today, so that a prompt is the same tomorrow */
  readonly date?: string;
}

/** A conversation as the text that a model was trained on; special tokens are in it, so it is encoded without adding any. */
export interface ChatTemplate {
  /** @throws BadInputError with what the template says of messages that it does not take */
  render(messages: readonly ChatMessage[], options: ChatOptions): string;
}

/** The day that Llama's own templates fall back to. */
export const DEFAULT_CHAT_DATE = '2024-07-26';

/** What is used of `@huggingface/jinja`. `Template` itself would bring today's date. */
interface Jinja {
  readonly tokenize: (source: string, options: { readonly lstrip_blocks: boolean; readonly trim_blocks: boolean }) => unknown;
  readonly parse: (tokens: unknown) => unknown;
  readonly Environment: new () => { set(name: string, value: unknown): unknown };
  readonly Interpreter: new (environment: unknown) => { run(program: unknown): { readonly value: unknown } };
}

// Required, not imported: the package's own type declarations are an ES module's, which CommonJS cannot import.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const jinja = require('@huggingface/jinja') as Jinja;

/** Far more than the longest that are known. */
const MAX_TEMPLATE_BYTES = 1 << 20;

interface TemplateSource {
  /** File, and field in it. */
  readonly where: string;
  readonly text: string;
}

/** Whether a model directory has a chat template. @throws BadInputError for one that is of no known form */
export function hasChatTemplate(directory: string): boolean {
  return templateSource(directory) !== undefined;
}

/**
 * Loads the chat template of a model directory: `chat_template.jinja`, else `chat_template` in tokenizer_config.json (a text, or a
 * list of named ones, of which `default` is taken). Tools and documents are absent.
 *
 * @throws BadInputError if there is none, or it is no template
 */
export function loadChatTemplate(directory: string): ChatTemplate {
  const source = templateSource(directory);
  if (source === undefined) {
    throw new BadInputError({ where: join(directory, 'tokenizer_config.json'), expected: 'a chat_template, or a file chat_template.jinja beside it', got: 'neither' });
  }
  const { where, text } = source;
  const program = parseTemplate(where, text);
  const tokens = specialTokens(directory);
  return {
    render(messages, { addGenerationPrompt, date = DEFAULT_CHAT_DATE }) {
      const day = parseDay('date', date);
      const environment = new jinja.Environment();
      const variables = {
        ...constants(day),
        ...tokens,
        messages: messages.map(({ role, content }) => ({ role, content })),
        tools: null,
        documents: null,
        add_generation_prompt: addGenerationPrompt,
        date_string: strftime(day, '%d %b %Y'),
      };
      for (const [name, value] of Object.entries(variables)) environment.set(name, value);
      try {
        return String(new jinja.Interpreter(environment).run(program).value);
      } catch (cause) {
        throw new BadInputError({ where, expected: 'messages that the chat template takes', got: reason(cause) }, { cause });
      }
    },
  };
}

function templateSource(directory: string): TemplateSource | undefined {
  const file = join(directory, 'chat_template.jinja');
  if (existsSync(file)) return { where: file, text: readBoundedFile(file, MAX_TEMPLATE_BYTES, 'regular').toString('utf8') };
  const configFile = join(directory, 'tokenizer_config.json');
  const template: unknown = existsSync(configFile) ? readJsonObject(configFile)['chat_template'] : undefined;
  const where = `${configFile}: chat_template`;
  if (template === undefined || template === null) return undefined;
  if (typeof template === 'string') return { where, text: template };
  const named: unknown = Array.isArray(template) ? template.find((entry) => isJsonObject(entry) && entry['name'] === 'default') : undefined;
  const text = isJsonObject(named) ? named['template'] : undefined;
  if (typeof text === 'string') return { where: `${where}.default`, text };
  throw new BadInputError({ where, expected: 'a text, or a list of {name, template} with the name "default"', got: describeValue(template) });
}

function parseTemplate(where: string, text: string): unknown {
  try {
    // As transformers sets Jinja up.
    return jinja.parse(jinja.tokenize(text, { lstrip_blocks: true, trim_blocks: true }));
  } catch (cause) {
    throw new BadInputError({ where, expected: 'a Jinja template', got: reason(cause) }, { cause });
  }
}

/** What every template may use. */
function constants(day: Date): Readonly<Record<string, unknown>> {
  return {
    ...{ true: true, false: false, none: null, True: true, False: false, None: null },
    raise_exception: (message: string): never => {
      throw new Error(message);
    },
    range: (...bounds: number[]): number[] => numberRange(bounds),
    strftime_now: (format: string): string => strftime(day, format),
  };
}

function numberRange(bounds: readonly number[]): number[] {
  const [start = 0, stop = 0, step = 1] = bounds.length < 2 ? [0, bounds[0] ?? 0] : bounds;
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (!(length <= MAX_RANGE)) throw new Error(`range(${bounds.join(', ')}) is longer than ${MAX_RANGE}`);
  return Array.from({ length }, (_, i) => start + i * step);
}

/** Of a template's loops, so that a bad one cannot take all memory. */
const MAX_RANGE = 100_000;

/** `bos_token`, `eos_token` and the other tokens that a template may name, as texts. */
function specialTokens(directory: string): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const name of ['special_tokens_map.json', 'tokenizer_config.json']) {
    const file = join(directory, name);
    const json: JsonObject = existsSync(file) ? readJsonObject(file) : {};
    for (const [field, value] of Object.entries(json)) {
      const text = isJsonObject(value) ? value['content'] : value;
      if (field.endsWith('_token') && !field.startsWith('add_') && typeof text === 'string') tokens[field] = text;
    }
  }
  return tokens;
}

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 200);
}
