import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from '../../campaign/language-model';

/** The newest may be damaged by what killed the process. */
const KEPT = 2;

const UNNAMED = 'unnamed.safetensors';

/** `checkpoint-<steps>-<sha256 of the file>.safetensors`. */
const FILE_NAME = /^checkpoint-(\d{9,16})-([0-9a-f]{64})\.safetensors$/;

/** A checkpoint's file name: what it holds can be told, and proven, from outside. */
export function checkpointFileName(steps: number, sha256: string): string {
  return `checkpoint-${String(steps).padStart(9, '0')}-${sha256}.safetensors`;
}

/** The checkpoints of one computation in a directory: whole or not there, each named by the hash of its bytes. */
export class CheckpointFiles {
  /** @param directory is created; of what a killed process left half-written, nothing stays */
  constructor(private readonly directory: string) {
    mkdirSync(directory, { recursive: true });
    for (const name of readdirSync(directory)) {
      if (name.startsWith(UNNAMED)) rmSync(join(directory, name));
    }
  }

  /** The newest whose bytes have their hash; damaged ones are passed over. */
  async newest(): Promise<Checkpoint | undefined> {
    for (const { name, steps, sha256 } of this.list().reverse()) {
      const file = join(this.directory, name);
      if ((await sha256Of(file)) === sha256) return { name: file, steps };
    }
    return undefined;
  }

  /**
   * Adds a checkpoint and lets go of those before the last.
   *
   * @param write writes the file that it is given
   */
  async add(steps: number, write: (file: string) => void): Promise<Checkpoint> {
    const unnamed = join(this.directory, UNNAMED);
    write(unnamed);
    const name = join(this.directory, checkpointFileName(steps, await sha256Of(unnamed)));
    renameSync(unnamed, name);
    for (const old of this.list().slice(0, -KEPT)) rmSync(join(this.directory, old.name), { force: true });
    return { name, steps };
  }

  /** Removes all of them, and the directory if nothing else is in it. */
  clear(): void {
    for (const { name } of this.list()) rmSync(join(this.directory, name), { force: true });
    if (readdirSync(this.directory).length === 0) rmSync(this.directory, { recursive: true });
  }

  /** The oldest first. */
  private list(): { readonly name: string; readonly steps: number; readonly sha256: string }[] {
    return readdirSync(this.directory)
      .flatMap((name) => {
        const [, steps, sha256] = FILE_NAME.exec(name) ?? [];
        return sha256 === undefined ? [] : [{ name, steps: Number(steps), sha256 }];
      })
      .sort((a, b) => a.steps - b.steps || (a.name < b.name ? -1 : 1));
  }
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
