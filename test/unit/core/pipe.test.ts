/** Policies around a transport: their order, what is switched off, what they say of themselves. */
import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../src/core/outcome.js";
import { bypass, type Policy, pipe, type Role } from "../../../src/core/pipe.js";

function noting(role: Role, seen: string[]): Policy<string> {
  return {
    role,
    settings: { limit: role.length },
    async run(input, next) {
      seen.push(`down ${role} ${input}`);
      const outcome = await next(`${input}.`);
      seen.push(`up ${role}`);
      return outcome;
    },
  };
}

const ANSWER: Outcome<never> = { kind: "no_response", failure: { code: "connection_refused" } };

describe("a pipe", () => {
  it("carries a call down in the order as written, and its outcome back up", async () => {
    const seen: string[] = [];
    const step = pipe<string>()
      .through(noting("bulkhead", seen))
      .through(noting("retry", seen))
      .to(async (input) => {
        seen.push(`wire ${input}`);
        return ANSWER;
      });
    expect(await step("call")).toBe(ANSWER);
    expect(seen).toEqual([
      "down bulkhead call",
      "down retry call.",
      "wire call..",
      "up retry",
      "up bulkhead",
    ]);
  });

  it("without policies is the transport itself", async () => {
    const transport = async (): Promise<Outcome<never>> => ANSWER;
    expect(pipe<string>().to(transport)).toBe(transport);
  });

  it("runs nothing for what is switched off, and still names it in its place", async () => {
    const seen: string[] = [];
    const off = bypass<string, string>("breaker");
    let ran = false;
    const spied = Object.assign(off, {
      run: () => {
        ran = true;
        return Promise.resolve(ANSWER);
      },
    });
    const chain = pipe<string>().through(noting("retry", seen)).through(spied);
    await chain.to(async () => ANSWER)("call");
    expect(ran).toBe(false);
    expect(chain.describe()).toEqual([
      { role: "retry", settings: { limit: 5 } },
      { role: "breaker", settings: { enabled: false } },
    ]);
  });

  it("lets through whatever a bypass that somebody runs by hand is given", async () => {
    const given: unknown[] = [];
    await bypass<string, string>("retry").run("call", async (input) => {
      given.push(input);
      return ANSWER;
    });
    expect(given).toEqual(["call"]);
  });

  it("is not changed by being continued, so that a beginning can be shared", () => {
    const seen: string[] = [];
    const shared = pipe<string>().through(noting("retry", seen));
    shared.through(noting("record", seen));
    expect(shared.describe().map(({ role }) => role)).toEqual(["retry"]);
  });

  it("can be finished several times, over other transports", async () => {
    const chain = pipe<string>().through(noting("retry", []));
    const other: Outcome<never> = { kind: "no_response", failure: { code: "dns_error" } };
    expect(await chain.to(async () => ANSWER)("call")).toBe(ANSWER);
    expect(await chain.to(async () => other)("call")).toBe(other);
  });
});
