/** Where a command line writes. */
export interface Streams {
  readonly writeOut: (text: string) => void;
  readonly writeErr: (text: string) => void;
}

/** What a command may write: its result on stdout, everything else on stderr. */
export interface Output {
  /** One JSON document per run with `--json`; the text a person reads otherwise. */
  readonly json: boolean;
  /** Prints the command's result. Called once. `text` is only built when it is what gets printed. */
  result(document: unknown, text: () => string): void;
  /** A line for the person watching, on stderr. */
  log(line: string): void;
}

export function createOutput(json: boolean, { writeOut, writeErr }: Streams): Output {
  return {
    json,
    result(document, text) {
      const printed = json ? JSON.stringify(document) : text();
      writeOut(printed.endsWith('\n') ? printed : `${printed}\n`);
    },
    log(line) {
      writeErr(`${line}\n`);
    },
  };
}
