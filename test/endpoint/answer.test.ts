import fc from 'fast-check';
import { readAnswer } from '../../endpoint/answer';

const read = (body: unknown) => readAnswer('chat', typeof body === 'string' ? body : JSON.stringify(body));

test.each([
  ['the first of several', { choices: [{ message: { content: 'a' } }, { message: { content: 'b' } }] }, 'a'],
  ['with fields nobody asked for', { id: 1, choices: [{ index: 0, message: { role: 'assistant', content: 'a', tool_calls: [], refusal: null } }], error: null }, 'a'],
  ['with a count that is none', { choices: [{ message: { content: 'a' } }], usage: { completion_tokens: 'many' } }, 'a'],
  ['without a count', { choices: [{ message: { content: 'a' }, finish_reason: null }], usage: null }, 'a'],
  ['in parts', { choices: [{ message: { content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] } }] }, 'ab'],
  ['in parts, its reasoning in others', { choices: [{ message: { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'no' }] }, { type: 'text', text: 'a' }] } }] }, 'a'],
  ['its reasoning in a field', { choices: [{ message: { content: 'a', reasoning: 'no', reasoning_content: 'no' } }] }, 'a'],
  ['its reasoning before it', { choices: [{ message: { content: '<think>no</think>\n\na' } }] }, 'a'],
  ['ended as others name it', { choices: [{ message: { content: 'a' }, finish_reason: 'COMPLETE' }] }, 'a'],
])('a text: %s', (_, body, text) => {
  expect(read(body)).toEqual({ kind: 'text', text, generatedTokens: 0, isCutOff: false });
});

test.each(['length', 'model_length', 'MAX_TOKENS'])('a text that %s ended is cut off', (reason) => {
  const body = { choices: [{ message: { content: 'a' }, finish_reason: reason }], usage: { completion_tokens: 16 } };
  expect(read(body)).toEqual({ kind: 'text', text: 'a', generatedTokens: 16, isCutOff: true });
  expect(readAnswer('completions', JSON.stringify({ choices: [{ text: ' a', finish_reason: reason }] }))).toMatchObject({ text: ' a', isCutOff: true });
});

test.each([
  ['', 'an empty body'],
  [' \n', 'an empty body'],
  ['{"choices": [', 'a body that is not JSON'],
  ['null', 'JSON without choices[0].message.content'],
  ['{"choices": {}}', 'JSON without choices[0].message.content'],
  ['{"choices": [null]}', 'JSON without choices[0].message.content'],
  ['{"choices": [{"text": "of the other protocol"}]}', 'JSON without choices[0].message.content'],
  ['{"choices": [{"message": {"content": [1]}}]}', 'JSON without choices[0].message.content'],
  ['{"error": {}}', 'an error'],
  [': a comment\n\ndata: {}', 'a stream of events, which was not asked for'],
  ['{"choices": [{"message": {"content": "a"}, "finish_reason": 7}]}', 'a reply that ended with the finish_reason'],
  ['['.repeat(100_000) + ']'.repeat(100_000), 'JSON without choices[0].message.content'],
])('no text: %.60s', (body, why) => {
  expect(read(body)).toMatchObject({ kind: 'none', why, isCutOff: false });
});

/** Answers, nearly answers, and anything else that is JSON. */
const message = fc.record({ content: fc.oneof(fc.string(), fc.constant(null), fc.integer(), fc.array(fc.record({ type: fc.constantFrom('text', 'thinking'), text: fc.string() }))) });
const bodies = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.string({ maxLength: 60 }),
  fc.record({ choices: fc.array(fc.oneof(fc.record({ message, finish_reason: fc.constantFrom('stop', 'length', 'abort', null) }), fc.record({ text: fc.string() }), fc.jsonValue())) }).map((body) => JSON.stringify(body)),
  fc.record({ error: fc.oneof(fc.string({ unit: 'binary' }), fc.record({ message: fc.string({ unit: 'binary', maxLength: 400 }) })) }).map((body) => JSON.stringify(body)),
);

test('whatever a server sends: a text that is not blank, or a few words on what is wrong', () => {
  let texts = 0;
  fc.assert(
    fc.property(bodies, fc.constantFrom('chat', 'completions'), (body, protocol) => {
      const answer = readAnswer(protocol, body);
      if (answer.kind === 'none') {
        expect(answer.why).toMatch(/^[\w ,.[\]]{5,60}$/);
      } else {
        texts += 1;
        expect(answer.text.trim()).not.toBe('');
      }
    }),
    { numRuns: 500, seed: 20261122 },
  );
  expect(texts).toBeGreaterThan(10);
});
