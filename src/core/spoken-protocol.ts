/**
 * What was spoken to the target that answered a call, as ALPN names it.
 *
 * HTTP/1.1 is the usual case, and nothing is kept of it; only a call over HTTP/2 has an entry, for
 * as long as the call is referenced.
 */
import type { Call } from "./call.js";

const SPOKEN = new WeakMap<Call, { readonly target: string; readonly protocol: "h2" | "h2c" }>();

/** An exchange of the call with this target begins over HTTP/2. */
export function speaksHttp2(call: Call, target: string, protocol: "h2" | "h2c"): void {
  SPOKEN.set(call, { target, protocol });
}

/** With the target of its latest attempt. */
export function spokenProtocol(call: Call): string {
  const spoken = SPOKEN.get(call);
  const { target = null } = call.attempts.at(-1) ?? {};
  return spoken !== undefined && spoken.target === target ? spoken.protocol : "http/1.1";
}
