/**
 * How the compute process tells that it is getting on: after each run of a graph, each opened session, each weight that is merged or
 * looked at. Its thread is blocked in between, so that silence for longer than the longest of these means that it hangs.
 */
let tell: () => void = () => undefined;

/** What a sign of life does in this process. @default nothing */
export function onSignOfLife(listener: () => void): void {
  tell = listener;
}

export function signOfLife(): void {
  tell();
}
