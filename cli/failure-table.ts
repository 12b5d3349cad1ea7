import { FAILURE_CLASSES, type FailurePolicy } from '../campaign/failures';

const RETRIED: Readonly<Record<FailurePolicy['retriedBy'], string>> = {
  server: 'the server, with growing waits',
  workflow: 'the workflow, each attempt in history',
  never: 'nobody',
};

/** `campaign/failures.ts` as the table of `docs/durability.md`. */
export function failureTable(): string {
  const rows = Object.entries(FAILURE_CLASSES).map(([name, policy]: [string, FailurePolicy]) => {
    const types = policy.types.length === 0 ? 'any other' : policy.types.map((type) => `\`${type}\``).join(', ');
    return `| ${name} | ${types} | ${policy.meaning} | ${RETRIED[policy.retriedBy]} | ${budgetOf(policy)} |`;
  });
  return ['| class | failures | what it means, and what is done | tried again by | attempts beyond the first |', '|---|---|---|---|---|', ...rows].map((row) => `${row}\n`).join('');
}

function budgetOf({ budget }: FailurePolicy): string {
  return budget === Infinity ? 'no limit' : String(budget);
}

/** `node dist/cli/failure-table.js`: what stands in docs/durability.md. */
if (require.main === module) process.stdout.write(failureTable());
