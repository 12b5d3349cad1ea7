import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureTable } from '../../cli/failure-table';
import { FAILURE_CLASSES } from '../../campaign/failures';
import { packageRoot } from '../../infra/stack/package-root';

test('docs/durability.md prints the table of failure classes as the code has it', () => {
  const table = failureTable();
  expect(table.split('\n')).toHaveLength(2 + Object.keys(FAILURE_CLASSES).length + 1);
  expect(readFileSync(join(packageRoot(), 'docs', 'durability.md'), 'utf8')).toContain(`\n${table}\n`);
});
