import { grade } from '../../../seal/graders/grade';

const contains = (goldAnswer: string, answer: string): number => grade('contains', { question: 'q', goldAnswer, answer });

test.each([
  ['5', 'in 1995'],
  ['5', 'It has 15 arches.'],
  ['5', 'It cost 1,995 crowns.'],
  ['995', 'It cost 1,995 crowns.'],
  ['5', 'about 3.5 metres'],
  ['5', 'etwa 3,5 Meter'],
  ['5mm', '3.5mm'],
  ['no', 'I do not know.'],
  ['no', 'nobody'],
  ['art', 'He started a party.'],
  ['US', 'They told users.'],
  ['C++', 'because'],
  ['wool', 'woollen'],
  ['German', 'Germans'],
  ['n', 'n\u0303 or o'],
  ['na', 'mañana'],
  ['๕', '๑๕'],
])('a gold answer inside another word or number is not contained: %j in %j', (gold, answer) => {
  expect(contains(gold, answer)).toBe(0);
});

test.each([
  ['5', 'There are 5.'],
  ['5', 'between 5–7'],
  ['5', 'It costs $5.'],
  ['5', '3, 4, 5'],
  ['2', '1,2,3'],
  ['3.5', '有3.5米'],
  ['1995', 'On 5.12.1995 it opened.'],
  ['1995', 'in 1995,1996 and later'],
  ['1,995', 'It cost 1,995 crowns.'],
  ['1995', 'It cost 1,995 crowns.'],
  ['3.5', 'about 3.5 metres'],
  ['no', 'No, it is not.'],
  ['$5', 'It costs $5 a piece.'],
  ['$5', 'It costs $5.'],
  ['C++', 'It is written in C++.'],
  ['C++', 'C++/Java'],
  ['U.S.', 'the U.S. army'],
  ['U.S.', 'The US army did.'],
  ['US', 'in the U.S.'],
  ['20th', 'a 20th-century painter'],
  ['the 20th century', 'a 20th-century painter'],
  ['1750', 'from 1750–1840'],
  ['8–10', 'It takes 8-10 days.'],
  ['French', 'the Anglo-French treaty'],
  ['Orn', "Orn's harbour"],
  ['Orn', '“Orn”'],
  ['50%', 'about 50% of them'],
  ['20', 'at 20°C'],
  ['Ñandú', 'El ñandú corre.'],
  ['Москва', 'Это Москва.'],
  ['北京', '首都是北京。'],
  ['東京', '日本の首都は東京です'],
  ['タワー', '東京タワーが見える'],
  ['กรุงเทพ', 'เมืองหลวงคือกรุงเทพมหานคร'],
  ['서울', '수도는 서울입니다'],
  ['5', '一共有5个'],
  ['NATO', '它是NATO的成员'],
])('a gold answer that stands by itself is contained, whatever is around it: %j in %j', (gold, answer) => {
  expect(contains(gold, answer)).toBe(1);
});

test('a Thai syllable is not cut before its vowel', () => {
  expect(contains('ก', 'กี')).toBe(0);
  expect(contains('กี', 'มีกีฬา')).toBe(1);
});
