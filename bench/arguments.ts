import { BadInputError } from '../campaign/errors';
import { DEFAULT_GROUPS, GROUPS, type GroupName } from './groups';

export interface BenchArguments {
  readonly groups: readonly GroupName[];
  /** File that the rows are written to as well. */
  readonly json?: string;
  /** One short run a row, to see that every row runs; the figures mean nothing. */
  readonly quick: boolean;
}

/** Groups by name, `--json FILE` and `--quick`. @throws BadInputError for anything else */
export function parseArguments(words: readonly string[]): BenchArguments {
  const groups: GroupName[] = [];
  let json: string | undefined;
  let quick = false;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    if (word === '--json') {
      json = words[(i += 1)];
      if (json === undefined) throw new BadInputError({ where: '--json', expected: 'a file', got: 'nothing' });
    } else if (word === '--quick') quick = true;
    else if (isGroup(word)) groups.push(word);
    else throw new BadInputError({ where: 'npm run bench', expected: `--json FILE, --quick or any of ${Object.keys(GROUPS).join(', ')}`, got: word });
  }
  return { groups: groups.length === 0 ? DEFAULT_GROUPS : groups, quick, ...(json === undefined ? {} : { json }) };
}

function isGroup(word: string): word is GroupName {
  return Object.hasOwn(GROUPS, word);
}
