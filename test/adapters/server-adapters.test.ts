/**
 * One table of cases through every server adapter.
 */
import { describe, it } from "vitest";
import { BODIES } from "./cases/bodies.js";
import { FAILURES } from "./cases/failures.js";
import { FIELDS } from "./cases/fields.js";
import { PROXY_SERVERS } from "./servers.js";

describe.each(Object.entries(PROXY_SERVERS))("through %s", (_name, serve) => {
  for (const [guarantee, show] of Object.entries({ ...BODIES, ...FIELDS, ...FAILURES })) {
    it(guarantee, () => show(serve));
  }
});
