/**
 * Runs the cases once, and reads from each answer what the gateway says about it.
 *
 * Everything comes from what a client sees: status, Proxy-Status, Server-Timing, Retry-After. Only
 * if the status was sent before the failure does its name come from the event `attempt:end`.
 */
import { FAILURES } from "good-gateway";
import { ask, askAndStay } from "./ask.mjs";

/** Runs one case: returns the answer, its diagnosis, and what is not as expected. */
export async function visit({ gateway, port }, stop) {
  const ended = [];
  const forget = gateway.on("attempt:end", ({ call, attempt }) => ended.push({ call, attempt }));
  const tools = {
    gateway,
    ask: (wanted) => ask(port, wanted),
    askAndStay: (wanted) => askAndStay(port, wanted),
  };
  const after = await stop.before?.(tools);
  ended.length = 0;
  const answer = await ask(port, stop.request);
  await after?.();
  forget();
  const result = { ...stop, answer, ...diagnosis(answer, ended) };
  return { ...result, mismatches: mismatches(result) };
}

function diagnosis(answer, ended) {
  const member = answer.fields["proxy-status"] ?? "";
  const details = /details="([^"]*)"/.exec(member)?.[1] ?? "";
  const told = (name) => new RegExp(`(?:^| )${name}=(\\S+)`).exec(details)?.[1] ?? null;
  const code = told("code") ?? (answer.whole ? null : (ended.at(-1)?.attempt.code ?? null));
  return {
    code,
    blame: told("blame") ?? (code === null ? null : FAILURES[code].blame),
    // A plain success carries no fields about itself: it took one attempt.
    attempts: Number(told("attempts") ?? 1),
    stopped: told("stopped"),
    // The result of the first attempt, if a later one succeeded.
    recoveredFrom: code === null ? firstFailure(answer.fields["server-timing"]) : null,
  };
}

function firstFailure(timing = "") {
  const name = /attempt-1;dur=[\d.]+;desc="(\w+)"/.exec(timing)?.[1] ?? null;
  return name === "ok" ? null : name;
}

function mismatches({ answer, code, blame, attempts, recoveredFrom, expected }) {
  const found = [];
  const check = (name, got, wanted) => {
    if (!wanted.includes(got)) found.push({ name, got, wanted: wanted.join(" or ") });
  };
  check("status", answer.status, expected.status);
  check("whole", answer.whole, [expected.whole]);
  check("failure", code, expected.codes);
  check("attempts", attempts, [expected.attempts].flat());
  check("recovered from", recoveredFrom, [expected.recoveredFrom ?? null]);
  if (code !== null) check("blame", blame, [FAILURES[code]?.blame]);
  // Every 503 of the gateway says when to come back.
  if (answer.status === 503) check("Retry-After", "retry-after" in answer.fields, [true]);
  return found;
}
