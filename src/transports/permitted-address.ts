/**
 * Which address a connection may be made to that is not ours: an agent of the application would
 * look the name up itself, and by then it may mean another address (DNS rebinding). So the agent is
 * given an address that was judged, and the name for Host and certificate only.
 *
 * Without rules, where those that hold by default forbid nothing of a name, it goes by its
 * name: agents and proxies of an application know their upstreams by it.
 */
import { isIP } from "node:net";
import type { AddressGuard } from "../targets/address-guard.js";

/** Calls back with the address, or with null where the name itself will do. */
export function permittedAddress(
  guard: AddressGuard,
  hostname: string,
  attempt: number,
  done: (error: unknown, address: string | null) => void,
): void {
  try {
    guard.checkHost(hostname);
  } catch (error) {
    done(error, null);
    return;
  }
  if (isIP(hostname) !== 0) {
    done(null, null);
    return;
  }
  guard.resolve(hostname, (error, permitted, isPart) => {
    if (!guard.wasWritten && !isPart) done(null, null);
    else if (permitted.length === 0) done(error, null);
    // A further attempt takes the next one, as a connection by name would.
    else done(null, permitted[(attempt - 1) % permitted.length] as string);
  });
}
