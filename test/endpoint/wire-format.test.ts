import fc from 'fast-check';
import { readAnswer, requestUrl, serverMessage } from '../../endpoint/wire-format';

test.each([
  ['https://host/v1', 'chat', 'https://host/v1/chat/completions'],
  ['https://host/v1//', 'completions', 'https://host/v1/completions'],
  ['http://host:8000', 'chat', 'http://host:8000/chat/completions'],
] as const)('%s, asked by %s', (url, protocol, expected) => {
  expect(requestUrl({ url, protocol })).toBe(expected);
});

test.each([
  ['the first of several', { choices: [{ message: { content: 'a' } }, { message: { content: 'b' } }] }, 'a'],
  ['none, as a refusal has it', { choices: [{ message: { refusal: 'I will not', content: null } }] }, ''],
  ['with fields nobody asked for', { id: 1, choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'length' }] }, 'a'],
  ['with a count that is none', { choices: [{ message: { content: 'a' } }], usage: { completion_tokens: 'many' } }, 'a'],
])('a text: %s', (_, body, text) => {
  expect(readAnswer('chat', JSON.stringify(body))).toEqual({ text, generatedTokens: 0 });
});

test.each([
  ['', 'an empty body'],
  [' \n', 'an empty body'],
  ['<html>', 'a body that is not JSON'],
  ['{"choices": [', 'a body that is not JSON'],
  ['null', 'JSON without choices[0].message.content'],
  ['{"choices": {}}', 'JSON without choices[0].message.content'],
  ['{"choices": [{"text": "of the other protocol"}]}', 'JSON without choices[0].message.content'],
  ['{"choices": [{"message": {"content": [1]}}]}', 'JSON without choices[0].message.content'],
  ['{"error": {"message": "over\\nloaded"}}', 'JSON without choices[0].message.content: over loaded'],
])('no text: %s', (body, expected) => {
  expect(readAnswer('chat', body)).toBe(expected);
});

test('nesting beyond any stack is another wrong answer', () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(readAnswer('chat', deep)).toBe('JSON without choices[0].message.content');
  expect(serverMessage(deep)).toBeNull();
});

/** Answers, nearly answers, and anything else that is JSON. */
const bodies = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ maxLength: 60 }),
  fc.record({ choices: fc.array(fc.oneof(fc.record({ message: fc.record({ content: fc.oneof(fc.string(), fc.constant(null), fc.integer()) }) }), fc.record({ text: fc.string() }), fc.jsonValue())) }).map((body) => JSON.stringify(body)),
  fc.record({ error: fc.oneof(fc.string({ unit: 'binary' }), fc.record({ message: fc.string({ unit: 'binary', maxLength: 400 }) })) }).map((body) => JSON.stringify(body)),
);

test('whatever a server sends: a text, or one short line on what is wrong', () => {
  let texts = 0;
  fc.assert(
    fc.property(bodies, fc.constantFrom('chat', 'completions'), (body, protocol) => {
      const read = readAnswer(protocol, body);
      if (typeof read === 'string') {
        expect(read.length).toBeLessThan(260);
        expect(read).not.toMatch(/[\n\r]/);
      } else {
        texts += 1;
        expect(typeof read.text).toBe('string');
      }
      expect(serverMessage(body)?.length ?? 0).toBeLessThanOrEqual(200);
    }),
    { numRuns: 500, seed: 20261122 },
  );
  expect(texts).toBeGreaterThan(10);
});
