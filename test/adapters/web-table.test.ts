/**
 * The table of cases of the server adapters, through `webProxy` behind a server of Requests.
 */
import { describe, expect, it } from "vitest";
import { BODIES } from "./cases/bodies.js";
import { FAILURES } from "./cases/failures.js";
import { FIELDS } from "./cases/fields.js";
import { LAYERS } from "./cases/layers.js";
import { webServer } from "./web-bridge.js";

/** What a Request or a Response cannot say, and what Node alone gives to a hook. */
const NOT_HERE: Readonly<Record<string, string>> = {
  "a chunked answer keeps its trailers": "a Response has no trailers",
  "early hints come before the answer": "a Response has no interim answers",
  "a target in absolute form cannot choose the upstream": "a Request has one form of target",
  "onFailure is told, and may answer in our place": "the hook gets a Request: web.test.ts",
  "full diagnostics are for those who are trusted": "the hook gets a Request: web.test.ts",
};

const CASES = { ...BODIES, ...FIELDS, ...FAILURES, ...LAYERS };

describe("through webProxy", () => {
  for (const [guarantee, show] of Object.entries(CASES)) {
    if (NOT_HERE[guarantee] === undefined) it(guarantee, () => show(webServer));
  }

  it("what is left out is in the table", () => {
    expect(Object.keys(CASES)).toEqual(expect.arrayContaining(Object.keys(NOT_HERE)));
  });
});
