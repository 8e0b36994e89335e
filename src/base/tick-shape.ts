/**
 * Keeps `process.nextTick` quick for the life of the process.
 *
 * Node makes an object for each tick, and V8 is quick with it while its shape is alive, which it is
 * as long as one such object is. A full collection in a moment without any ends the shape, and from
 * then on each tick costs six times as much and a proxied request a tenth more, until the process
 * ends (Node 20 to 24). So one of these objects is kept.
 */
import { executionAsyncResource } from "node:async_hooks";

let kept: object | null = null;

/** From the first gateway on, however many follow. */
export function keepTickShape(): void {
  if (kept !== null) return;
  process.nextTick(() => {
    kept = executionAsyncResource();
  });
}
