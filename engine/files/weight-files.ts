import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, sep } from 'node:path';
import { BadInputError } from '../../campaign/errors';

/** Where a session finds a model's weights: it takes one folder, and refuses a file whose link leads out of it. */
export interface WeightFiles {
  /** The deepest folder that holds every file, links followed. */
  readonly folder: string;
  /** A file's path within `folder`, with forward slashes. */
  nameOf(file: string): string;
}

/**
 * Follows the links of weight files, since Hugging Face's cache keeps a model as links into a folder of blobs.
 *
 * @throws BadInputError if no folder holds them all (drives of Windows)
 */
export function resolveWeightFiles(files: Iterable<string>): WeightFiles {
  const resolved = new Map([...new Set(files)].map((file) => [file, realpathSync(file)]));
  const folder = [...resolved.values()].map(dirname).reduce(commonFolder);
  return {
    folder,
    nameOf(file) {
      const path = resolved.get(file);
      if (path === undefined) throw new Error(`${file}: no weight file of this model`);
      return relative(folder, path).split(sep).join('/');
    },
  };
}

function commonFolder(left: string, right: string): string {
  for (let folder = left; ; folder = dirname(folder)) {
    const path = relative(folder, right);
    if (!isAbsolute(path) && path.split(sep)[0] !== '..') return folder;
    if (folder === dirname(folder)) {
      throw new BadInputError({ where: right, expected: `all weights on one drive, that of ${left}`, got: 'another drive' });
    }
  }
}
