/** May it be sent again: what the failure, the method, the caller and the body say to that. */
import { describe, expect, it } from "vitest";
import { FAILURE_CODES, FAILURES } from "../../../src/catalog/failures.js";
import type { Failure } from "../../../src/core/failure.js";
import { isUnsent, whyNotRepeat } from "../../../src/core/repeat.js";
import type { ReplayBody } from "../../../src/core/replay-body.js";
import { requestWith } from "../transports/made-exchange.js";

const body = (replayable: boolean): ReplayBody => ({ replayable }) as unknown as ReplayBody;

const NEVER_WRITTEN: Failure = { code: "connection_refused" };
const LOST: Failure = { code: "connection_terminated", written: true };

describe("a repeat", () => {
  it("is never allowed where the catalog says never, whatever the request", () => {
    const request = requestWith({ method: "GET", replayable: true });
    for (const code of FAILURE_CODES) {
      const why = whyNotRepeat(request, { code });
      expect(why, code).toBe(FAILURES[code].repeat === "never" ? "not_repeatable" : null);
    }
  });

  it("of what was never written is allowed for every method", () => {
    for (const method of ["GET", "POST", "PATCH", "post", "BREW"]) {
      expect(whyNotRepeat(requestWith({ method }), NEVER_WRITTEN)).toBeNull();
    }
  });

  it("of what was not processed is, whatever its name", () => {
    const stalled: Failure = { code: "event_loop_stalled", repeat: "safe" };
    expect(whyNotRepeat(requestWith({ method: "POST" }), stalled)).toBeNull();
    expect([isUnsent(stalled), isUnsent({ ...stalled, written: true })]).toEqual([true, false]);
  });

  it("of what may have been written is a question of the method, not of the name", () => {
    const written: Failure = { ...NEVER_WRITTEN, written: true };
    expect(whyNotRepeat(requestWith({ method: "POST" }), written)).toBe("method_not_idempotent");
    expect(whyNotRepeat(requestWith({ method: "PUT" }), written)).toBeNull();
  });

  it.each(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])(
    "after %s is allowed, which does no more harm twice than once",
    (method) => expect(whyNotRepeat(requestWith({ method }), LOST)).toBeNull(),
  );

  it.each(["POST", "PATCH", "CONNECT", "BREW", "get"])(
    "after %s is not, unless the caller promises",
    (method) => {
      expect(whyNotRepeat(requestWith({ method }), LOST)).toBe("method_not_idempotent");
      expect(whyNotRepeat(requestWith({ method, replayable: true }), LOST)).toBeNull();
    },
  );

  it("needs a body that can be read once more", () => {
    for (const failure of [NEVER_WRITTEN, LOST]) {
      const spent = requestWith({ method: "PUT", body: body(false) });
      expect(whyNotRepeat(spent, failure)).toBe("body_not_replayable");
      expect(whyNotRepeat(requestWith({ method: "PUT", body: body(true) }), failure)).toBeNull();
    }
  });
});
