import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadInputError } from '../campaign/errors';
import { environment, variable } from '../settings/environment';
import { parseArguments } from './arguments';
import { BenchRun } from './bench-run';
import { GROUPS } from './groups';
import { findPeerPython, type PeerPython, peerVersions } from './peer';
import { formatted, heading, ratio, type Row } from './table';

const SEED = 1;
/** This file runs from `dist/bench`. */
const REPOSITORY = join(__dirname, '../..');
const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
const show = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints the rows of the speed table; `docs/bench.md` says what they are. */
async function main(): Promise<void> {
  const { groups, json, quick } = parseArguments(process.argv.slice(2));
  const threads = Number(variable(environment(), 'SEAL_BENCH_THREADS') ?? availableParallelism());
  const about = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${threads} threads, Node ${process.version}, seed ${SEED}, medians of runs in turns; load ${loadavg()[0]?.toFixed(1)} before`;
  show(about);
  if (quick) show('one short run a row: the figures mean nothing');
  show(heading());
  let peer: string | undefined;
  const findPython = (): PeerPython => {
    const found = findPeerPython(REPOSITORY, say);
    peer = 'missing' in found ? `no peer to compare with: ${found.missing}` : `peer: ${peerVersions(found.python)}`;
    say(peer);
    return found;
  };
  const rows: Row[] = [];
  const print = (row: Row): void => {
    rows.push(row);
    show(formatted(row));
  };
  const directory = mkdtempSync(join(tmpdir(), 'seal-bench-'));
  try {
    const run = new BenchRun({ seed: SEED, threads, quick, repository: REPOSITORY, directory, findPython, print, say });
    for (const name of groups) {
      try {
        if ((await GROUPS[name](run)) === false) process.exitCode = 1;
      } finally {
        await run.close();
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ about, ...(peer === undefined ? {} : { peer }), rows: rows.map((row) => ({ ...row, ratio: ratio(row) })) }, null, 2)}\n`);
}

main().catch((error: unknown) => {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof BadInputError ? 2 : 1;
});
