import { grade } from '../../../seal/graders/grade';
import { tokensGrade, tokensRecall } from '../../../seal/graders/tokens';

// rule, question, gold, answer, grade
test.each<[string, string, string, string, 0 | 1]>([
  ['a sentence that holds the answer', 'What does Vel trade in?', 'blue wool', 'The people of Vel trade in wool, mostly blue.', 1],
  ['half of the words is not enough', 'What does Vel trade in?', 'blue wool', 'Vel trades in salt and wool.', 0],
  ['more than half is', 'What does Vel trade in?', 'soft blue wool', 'Vel trades in blue wool.', 1],
  ['inflected', 'What did the ferry do?', 'connected two islands', 'It was connecting the two islands.', 1],
  ['spelt otherwise', 'What is the boat?', 'gray colored ferry', 'A grey-coloured ferry', 1],
  ['a word only begins alike', 'What lives there?', 'cat', 'cattle', 0],
  ['what the question says is not asked for', 'Which dynasty built it?', 'the Orn dynasty', 'It was built by the Orn.', 1],
  ['what the question says is no answer', 'Which dynasty built it?', 'the Orn dynasty', 'It was built by a dynasty.', 0],
  ['unless there is nothing else', 'Is Vel by the sea or by a lake?', 'by the sea', 'Vel is by the sea.', 1],
  ['a number for a number', 'How many sheep are there?', 'about nine sheep a farm', 'There are 9.', 1],
  ['a year for a date', 'When was it built?', 'around 1750, in spring', '1750', 1],
  ['another number', 'How many sheep are there?', '8', 'There are 108 sheep.', 0],
  ['all numbers of a range', 'In which years was it built?', '1750–1752', 'Between 1750 and 1751.', 0],
  ['a number where none is asked for', 'What is the boat called?', 'Ferry 7', 'the ferry', 0],
  ['not by its number alone', 'What sails there?', '7 white boats', 'There were 7 of them.', 0],
  ['numbers all over', 'When was it built?', '1750', 'In 1748, 1749, 1750 or 1751.', 0],
  ['a number beside it', 'When was it built?', '1750', 'In 1750, at the age of 20.', 1],
  ['spelt out', 'Who pays?', 'the VWF', 'The Vel Wool Fund pays.', 1],
  ['abbreviated', 'Who pays?', 'the Vel Wool Fund', 'The VWF does.', 1],
  ['a last name', 'Who rules Vel?', 'Ada Maria Orn', 'Queen Orn rules Vel.', 1],
  ['a first name', 'Who rules Vel?', 'Ada Maria Orn', 'Ada rules Vel.', 0],
  ['a list has no last name', 'Who rules Vel?', 'Orns and Ulms', 'The Ulms rule Vel.', 0],
  ['denied', 'Where is the market?', 'Vel', 'It is in Orn rather than Vel.', 0],
  ['denied after a comma', 'Where is the market?', 'Vel', 'It is in Orn, not Vel.', 0],
  ['the denial ends with its clause', 'Where is the market?', 'Vel', 'It is not in Orn, not Ulm, Vel has it.', 1],
  ['a gold answer that denies', 'Where is the market?', 'in Orn, not Vel', 'In Orn, not Vel, I think.', 1],
  ['runs on', 'Where is the market?', 'Vel', 'In Vel. Question: Where is Orn?', 0],
  ['numbers in words', 'How old is it?', 'twenty years', '20', 1],
  ['words without content', 'Who?', 'The Who', 'It is The Who.', 1],
  ['punctuation', 'Which sign?', '?', 'an exclamation mark', 0],
  ['the sign itself', 'Which sign?', '?', '?', 1],
])('%s: %j, gold %j, answer %j', (_rule, question, goldAnswer, answer, expected) => {
  expect(grade('tokens', { question, goldAnswer, answer })).toBe(expected);
});

test.each<[string, string, string, 0 | 1]>([
  ['中国的首都是哪里？', '北京', '中国的首都是北京。', 1],
  ['中国的首都是哪里？', '北京', '中国的首都是南京。', 0],
  ['東京で一番高い塔は？', '東京タワー', '一番高いのは東京タワーです。', 1],
  ['東京で一番高い塔は？', '東京タワー', '東京の塔です。', 0],
  ['เมืองหลวงของไทยคืออะไร', 'กรุงเทพ', 'เมืองหลวงคือกรุงเทพมหานคร', 1],
  ['수도는?', '서울', '수도는 서울입니다', 1],
  ['수도는?', '가', '각', 0],
  ['有几个？', '5', '一共有5个', 1],
  ['有几个？', '5', '一共有15个', 0],
  ['它属于什么组织？', 'NATO', '它是NATO的成员', 1],
])('answers in scripts without spaces: %j, gold %j, answer %j', (question, goldAnswer, answer, expected) => {
  expect(grade('tokens', { question, goldAnswer, answer })).toBe(expected);
});

test('the threshold is the share of the gold words', () => {
  const answer = { question: 'What does Vel trade in?', goldAnswer: 'blue wool', answer: 'Vel trades in salt and wool.' };
  expect(tokensRecall(answer)).toBe(0.5);
  expect(tokensGrade(answer, { minimum: 0.5 })).toBe(1);
  expect(tokensGrade(answer, { minimum: 0.51 })).toBe(0);
  expect(tokensGrade({ ...answer, answer: 'salt' }, { minimum: 0 })).toBe(0);
});
