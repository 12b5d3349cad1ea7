/** Where manifests lie within a campaign's record: forms of their keys, after `campaigns/<id>/`. */

/** `epoch-1`, `epoch-2.v2`, `evaluation/self-edits`. */
const SCOPE = '(epoch-\\d+(?:\\.v\\d+)?|evaluation/[^/]+)';
const CANDIDATE = `${SCOPE}/([^/]+)/c(\\d+)`;

export const places = {
  proposals: new RegExp(`^${SCOPE}/proposals\\.json$`),
  proposalsChunk: new RegExp(`^${SCOPE}/proposals/chunk-(\\d+)\\.json$`),
  unadapted: new RegExp(`^${SCOPE}/unadapted/chunk-(\\d+)\\.json$`),
  adapter: new RegExp(`^${CANDIDATE}/r(\\d+)/adapter\\.json$`),
  evaluation: new RegExp(`^${CANDIDATE}/r(\\d+)/evaluation\\.json$`),
  candidate: new RegExp(`^${CANDIDATE}/candidate\\.json$`),
  failed: new RegExp(`^${CANDIDATE}/failed-(\\d+)\\.json$`),
  selection: /^(epoch-(\d+)(?:\.v\d+)?)\/selection\.json$/,
  policy: /^(epoch-(\d+)(?:\.v\d+)?)\/policy\.json$/,
  policyTraining: /^(epoch-(\d+)(?:\.v\d+)?)\/policy-training\.json$/,
  method: /^evaluation\/([^/]+?)(\.v\d+)?\.json$/,
  report: /^report(?:\.r(\d+))?\.json$/,
  histories: /^histories\/.+\.json$/,
} as const;

/** The scope as it was called before any retry; seeds are derived under it. */
export function unversioned(scope: string): string {
  return scope.replace(/\.v\d+$/, '');
}

export function isTraining(scope: string): boolean {
  return scope.startsWith('epoch-');
}
