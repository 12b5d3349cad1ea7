import type { Graph } from './graph';
import type { Node } from './tensor';

/** The nodes that results depend on, in order: ONNX Runtime would run the others too. */
export function liveNodes(graph: Graph): Node[] {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const live: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some(({ name }) => needed.has(name))) continue;
    for (const input of node.inputs) if (input !== undefined) needed.add(input.name);
    live.push(node);
  }
  return live.reverse();
}
