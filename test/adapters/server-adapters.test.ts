/**
 * One table of cases through every server adapter.
 */
import { describe, it } from "vitest";
import { BODIES } from "./cases/bodies.js";
import { FAILURES } from "./cases/failures.js";
import { FIELDS } from "./cases/fields.js";
import { LAYERS } from "./cases/layers.js";
import { PROXY_SERVERS } from "./servers.js";

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  const cases = { ...BODIES, ...FIELDS, ...FAILURES, ...LAYERS };
  for (const [guarantee, show] of Object.entries(cases)) {
    it(guarantee, () => show(serve));
  }
});
