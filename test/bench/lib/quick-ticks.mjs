/**
 * Keeps `process.nextTick` quick in every process that is compared, as a gateway does in its own
 * (src/base/tick-shape.ts): else a collection in a quiet moment makes one proxy a tenth dearer than
 * its twin, and what is compared is chance. Without it our own would look better than it is.
 */
import { executionAsyncResource } from "node:async_hooks";

process.nextTick(() => {
  globalThis.keptTick = executionAsyncResource();
});
