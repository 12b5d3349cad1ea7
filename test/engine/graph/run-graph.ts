import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { encodeModel } from '../../../engine/graph/encode';
import type { Graph } from '../../../engine/graph/graph';
import type { RunnerReply } from './graph-runner';

export interface Values {
  readonly data: readonly number[];
  readonly shape: readonly number[];
}
export type Feeds = Readonly<Record<string, Values>>;

/** Runs graphs in a process of their own; `close` ends it. */
export class GraphRunner {
  private readonly child: ChildProcess = fork(join(__dirname, 'graph-runner.js'), { serialization: 'advanced' });

  /** One result a feed: the outputs' elements by name. */
  async run(graph: Graph, feedsOfRuns: readonly Feeds[]): Promise<Record<string, number[]>[]> {
    const dtypes = new Map(graph.inputs.map(({ name, dtype }) => [name, dtype]));
    const runs = feedsOfRuns.map((feeds) =>
      Object.fromEntries(Object.entries(feeds).map(([name, values]) => [name, { dtype: dtypes.get(name) ?? 'float32', ...values }])),
    );
    this.child.send({ model: encodeModel(graph), runs });
    const [reply] = (await once(this.child, 'message')) as [RunnerReply];
    if ('error' in reply) throw new Error(reply.error);
    return reply.results;
  }

  async close(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill();
    await gone;
  }
}
