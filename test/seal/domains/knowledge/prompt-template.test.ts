import { BadInputError } from '../../../../campaign/errors';
import { checkedTemplate, filledTemplate } from '../../../../seal/domains/knowledge/prompt-template';

test.each([
  ['both placeholders', 'Notes on {title}:\n{context}\n'],
  ['no title', '{context}'],
  ['a placeholder twice', '{context} and again {context}'],
  ['braces that are no placeholder', '{context}\nReply as {"learning_rate": 0.001}, or {} or { title }.'],
])('%s: taken as it is', (_, template) => {
  expect(checkedTemplate(template, 'p.txt')).toBe(template);
});

test.each([
  ['an unknown placeholder', 'One\n{context}\n{passage}', 'p.txt:3: expected no placeholder but {title} and {context}, got {passage}'],
  ['another case', '{Context}', 'p.txt:1: expected no placeholder but {title} and {context}, got {Context}'],
  ['no passage', 'Notes on {title}', 'p.txt: expected the placeholder {context}, where the passage goes, got a template without it'],
  ['nothing', '', 'p.txt: expected the placeholder {context}, where the passage goes, got a template without it'],
])('%s: refused', (_, template, line) => {
  expect(() => checkedTemplate(template, 'p.txt')).toThrow(BadInputError);
  expect(() => checkedTemplate(template, 'p.txt')).toThrow(line);
});

test('what a passage or a title looks like changes nothing', () => {
  const passage = { title: '$& {context}', context: 'Braces {title} and $1.' };
  expect(filledTemplate('{title}|{context}', passage)).toEqual({ prompt: '$& {context}|Braces {title} and $1.', parseSpecial: [[12, 13]] });
});
