import type { Graph } from '../graph/graph';

/** A graph and the folder its external weights are in. */
export interface BuiltGraph {
  readonly graph: Graph;
  readonly folder: string;
  /** The session lays weights out anew for its products. @default true */
  readonly prepacking?: boolean;
}
