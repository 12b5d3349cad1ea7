/**
 * What a model thought aloud before its answer, where the server left it in the text.
 * Source: the reasoning parsers of vLLM and mistral.rs, and Open WebUI's default `reasoning_tags` (without its `<reason>`, which
 * ordinary XML has too).
 */

const TAGS = ['think', 'thinking', 'thought', 'reasoning', 'seed:think'];
const MARKS: readonly (readonly [open: string, close: string])[] = [
  ...TAGS.map((name) => [`<${name}>`, `</${name}>`] as const),
  // Magistral, Kimi-VL, models trained on Sky-T1's format, Gemma 4.
  ['[THINK]', '[/THINK]'],
  ['◁think▷', '◁/think▷'],
  ['<|begin_of_thought|>', '<|end_of_thought|>'],
  ['<|channel>', '<channel|>'],
];

/**
 * The text without its reasoning, or null where reasoning was opened and not closed. Before a closing mark without an opening one all
 * is reasoning: the chat templates of R1 and Qwen open it in the prompt. Takes time linear in the text's length.
 */
export function withoutReasoning(text: string): string | null {
  return MARKS.reduce<string | null>((left, marks) => (left === null ? null : withoutBlocks(left, marks)), finalChannel(text));
}

function withoutBlocks(text: string, [open, close]: readonly [string, string]): string | null {
  let kept: string[] = [];
  let from = 0;
  let start = text.indexOf(open);
  for (let end = text.indexOf(close); end >= 0; end = text.indexOf(close, from)) {
    if (start >= 0 && start < end) kept.push(text.slice(from, start));
    else kept = [];
    from = end + close.length;
    while (/\s/.test(text.charAt(from))) from += 1;
    if (start >= 0 && start < from) start = text.indexOf(open, from);
  }
  return start >= 0 ? null : kept.join('') + text.slice(from);
}

const CHANNEL = '<|channel|>';
const MESSAGE = '<|message|>';

/** Of a raw reply of gpt-oss, its last message to the reader. Source: OpenAI's harmony format. */
function finalChannel(text: string): string | null {
  if (!text.includes(CHANNEL)) return text;
  const final = text.lastIndexOf(`${CHANNEL}final`);
  const message = final < 0 ? -1 : text.indexOf(MESSAGE, final);
  return message < 0 ? null : text.slice(message + MESSAGE.length).split(/<\|(?:end|return)\|>/, 1)[0]!;
}
