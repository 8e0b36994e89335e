/**
 * What the operating system would answer, for failures that no portable test can make it answer.
 * The seam is the lowest there is: the return value of libuv's connect below node:net, and the
 * lookup that node:net asks. Everything above is real: Node makes its own errors out of it, with
 * code, syscall, address and port, and the gateway sees what it would see.
 */
import dns, { type LookupAddress } from "node:dns";
import { createServer } from "node:net";
import { constants } from "node:os";

interface TcpHandle {
  connect(request: object, address: string, port: number): number;
}

/** Addresses of RFC 5737 that nobody owns; connecting to them gives this instead of a packet. */
const ANSWERS: Readonly<Record<string, number>> = {
  // A firewall rule; in a test it would take root and change the machine.
  "198.51.100.13": -constants.errno.EACCES,
  // No descriptor left; really running out would break the test runner itself.
  "198.51.100.24": -constants.errno.EMFILE,
};

export const PROHIBITED = "http://198.51.100.13:80";
export const EXHAUSTED = "http://198.51.100.24:80";

/** Puts the answers in place; gives back how to take them away. */
export function answerConnects(): Promise<() => void> {
  return replaceConnect((address) => ANSWERS[address] ?? null);
}

/** Every connect of this process fails with this number while the function gives one. */
export async function replaceConnect(
  answer: (address: string, port: number) => number | null,
): Promise<() => void> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const handle = (server as unknown as { readonly _handle: TcpHandle })._handle;
  const prototype = Object.getPrototypeOf(handle) as TcpHandle;
  const { connect } = prototype;
  prototype.connect = function (this: TcpHandle, request, address, port) {
    return answer(address, port) ?? connect.call(this, request, address, port);
  };
  server.close();
  return () => {
    prototype.connect = connect;
  };
}

/** Resolved by nobody: where a machine's name server stands is not a test's to change. */
export const RESOLVER_REFUSES = "http://resolver-refuses.test:80";
export const RESOLVER_SILENT = "http://resolver-silent.test:80";

type Answered = (error: Error | null, addresses?: readonly LookupAddress[]) => void;
type Lookup = (hostname: string, options: object, answered: Answered) => void;

/** As above, for name servers. */
export function answerLookups(): () => void {
  const seam = dns as unknown as { lookup: Lookup };
  const { lookup } = seam;
  seam.lookup = (hostname, options, answered) => {
    if (hostname === "resolver-refuses.test") {
      const error = new Error(`getaddrinfo EAI_AGAIN ${hostname}`);
      const facts = { errno: -3001, code: "EAI_AGAIN", syscall: "getaddrinfo", hostname };
      queueMicrotask(() => answered(Object.assign(error, facts)));
    } else if (hostname !== "resolver-silent.test") lookup(hostname, options, answered);
  };
  return () => {
    seam.lookup = lookup;
  };
}
