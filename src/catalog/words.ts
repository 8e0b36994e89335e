/**
 * The small vocabularies of the catalog in plain words, as shown by `explain`, on the dashboard and
 * in docs/errors.
 */
import type { Blame, FailureRow } from "./rows/failure-row.js";

/** Who is at fault, in a sentence. */
export const BLAMES: Readonly<Record<Blame, string>> = {
  upstream: "The application is down, crashed, sent an invalid answer, or is too slow.",
  overload: "The application, or the queue before it, is full.",
  network: "Name resolution, routing or dropped packets between the gateway and the application.",
  proxy:
    "The gateway's own configuration: a wrong address, port, scheme or certificate, times that " +
    "do not fit together, a loop.",
  client: "The client left, or sent something wrong.",
  self: "The gateway's own process: its event loop, its sockets, or a hook in it.",
  none: "Nothing went wrong: it ended as it is set up to end.",
};

/**
 * How a target is: one word for one state wherever it is shown (`standingOf` in
 * targets/standing.ts).
 */
export const STANDINGS = {
  well: "It takes calls, and there is no evidence against it.",
  route_failing: "It answers, except on a route that fails there.",
  failing: "It takes calls, but the latest ones all failed.",
  refusing: "It rejects (4xx) what the others answer well, and they get its calls.",
  on_trial: "It was out; the next calls test whether it has recovered.",
  in_doubt: "It fails, or the requested routes do: calls of other routes test which.",
  overruled: "It gets calls although its health is bad, since too few others are left.",
  out: "It takes no calls.",
  disabled: "An operator has disabled it; it is kept, and gets calls again once it is enabled.",
  draining: "It gets no new calls, and is removed when the last one is over.",
} as const;

export type Standing = keyof typeof STANDINGS;

/** What may be done about the repeat of a failure, in words. */
export function repeatInWords({ repeat }: Pick<FailureRow, "repeat">): string {
  switch (repeat) {
    case "safe":
      return "any method may be sent again, since the request was never written";
    case "idempotent":
      return "only idempotent methods may be sent again (GET, PUT, DELETE …), RFC 9110 §9.2.2";
    case "never":
      return "not sent again: it would fail the same way";
  }
}
