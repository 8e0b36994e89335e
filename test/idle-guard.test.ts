/**
 * What an upstream may hold that nobody calls: the guard against a policy that makes at the start
 * what it needs with traffic only.
 *
 * Counted is the heap after a collection, in a process with a thousand upstreams, each with its
 * target and its proxy. That is nearly the same in every run; times are not asked about.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { heapOfEach } from "./bench/lib/upstreams.mjs";
import { buildQuick } from "./tools/build-quick.mjs";

const KIB = 1_024;
const COUNT = 1_000;
/** Nobody listens there, and nothing is sent there. */
const ORIGIN = "http://127.0.0.1:9";
/** Measured are 8.6 on Node 20 and 8.3 on Node 24. */
const AT_REST_KIB_MAX = 11;
/** A target alone takes more than this, so that what is counted are upstreams. */
const AT_REST_KIB_MIN = 2;
const LIMIT_MS = 120_000;

describe("an upstream without traffic", () => {
  beforeAll(buildQuick, LIMIT_MS);

  it(
    "holds its options, its target and its proxy, and nothing that only calls need",
    async () => {
      const bytes = await heapOfEach(ORIGIN, COUNT);
      expect(bytes).toBeLessThan(AT_REST_KIB_MAX * KIB);
      expect(bytes).toBeGreaterThan(AT_REST_KIB_MIN * KIB);
    },
    LIMIT_MS,
  );

  it(
    "what is made with the first call would be found",
    async () => {
      // Its state is asked for, which makes what calls would come to.
      const bytes = await heapOfEach(ORIGIN, COUNT, "asked");
      expect(bytes).toBeGreaterThan(AT_REST_KIB_MAX * KIB);
    },
    LIMIT_MS,
  );
});
