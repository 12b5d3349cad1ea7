/**
 * A process with a directory cache: `hold <root> <name>` leases an entry and says so until it is killed, `make <root> <name>` never gets done
 * with making one, `read <root> <names> <times> <maxBytes>` leases entries in turn, looks again and again whether they are there, and prints
 * how often they were not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DirectoryCache } from '../../storage/directory-cache';
import { keptDirectory } from '../../storage/kept-directory';

export const ENTRY_BYTES = 1000;

/** An entry whose only file says its name. */
export function entry(name: string, made: () => void = () => undefined) {
  return {
    bytes: ENTRY_BYTES,
    open: async (directory: string) => {
      const write = async (partial: string): Promise<void> => {
        made();
        await mkdir(partial);
        await writeFile(join(partial, 'file'), name.padEnd(ENTRY_BYTES));
      };
      await keptDirectory(directory, write, () => undefined);
    },
  };
}

async function read(cache: DirectoryCache, names: readonly string[], times: number): Promise<number> {
  let missing = 0;
  for (let i = 0; i < times; i += 1) {
    const name = names[(i * 7 + process.pid) % names.length]!;
    await using lease = await cache.lease(name, entry(name));
    for (let look = 0; look < 5; look += 1) {
      await sleep(1);
      const file = join(lease.directory, 'file');
      if (!existsSync(file) || readFileSync(file, 'utf8').trim() !== name) missing += 1;
    }
  }
  return missing;
}

async function main([what, root, names, times, maxBytes]: readonly string[]): Promise<void> {
  const cache = new DirectoryCache(root!, maxBytes === undefined ? null : Number(maxBytes));
  if (what === 'read') {
    process.stdout.write(`${await read(cache, names!.split(','), Number(times))}\n`);
    return;
  }
  const ready = (): boolean => process.stdout.write('ready\n');
  const { bytes, open } = entry(names!);
  const never = new Promise<void>((resolve) => setTimeout(resolve, 600_000));
  const make = async (directory: string): Promise<void> => {
    const write = async (partial: string): Promise<void> => {
      await mkdir(partial);
      await writeFile(join(partial, 'file'), 'half');
      ready();
      await never;
    };
    await keptDirectory(directory, write, () => undefined);
  };
  await using _lease = await cache.lease(names!, { bytes, open: what === 'make' ? make : open });
  ready();
  await never;
}

if (require.main === module) void main(process.argv.slice(2));
