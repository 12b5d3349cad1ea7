/**
 * What is used of `@huggingface/tokenizers`: its models, and its translation of regular expressions. The rest of it differs from Python's
 * tokenizers in more than it has in common.
 */
interface HuggingFace {
  readonly BPE: new (config: object) => TokenModel;
  readonly WordPiece: new (config: object) => TokenModel;
  readonly SplitPreTokenizer: new (config: object) => { readonly pattern: RegExp };
}

/** Tokens of pieces of text. */
type TokenModel = (pieces: readonly string[]) => string[];

// Required, not imported: the package's own type declarations are an ES module's, with imports that do not resolve from CommonJS.
// eslint-disable-next-line @typescript-eslint/no-require-imports
export const huggingFace = require('@huggingface/tokenizers') as HuggingFace;
