/**
 * Name servers that a front asks by itself: whether each of them answers, and what. The system's
 * own way (/etc/hosts, search domains, caches) is left out, as the front leaves it out.
 */
import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import type { NameServers } from "../config/front-config.js";
import type { DoctorWorld } from "../world/world.js";

/** What one server said. `known` and `unknown` are answers; a `silent` one gave none at all. */
export type Reply =
  | { readonly kind: "known"; readonly addresses: readonly LookupAddress[] }
  | { readonly kind: "unknown" | "ill" | "silent"; readonly errno: string };

export interface NameServerReply {
  readonly server: string;
  readonly reply: Reply;
}

/** Every server knows what to say of it, if only that it does not know it. */
const ANY_NAME = "localhost";

/** Asks each of them for a name, or, without one, whether it answers at all. */
export async function askNameServers(
  world: DoctorWorld,
  { servers, families }: NameServers,
  name: string | null,
): Promise<readonly NameServerReply[]> {
  return Promise.all(
    servers.map(async (server): Promise<NameServerReply> => {
      const address = await addressOf(world, server);
      if (address === null) return { server, reply: { kind: "silent", errno: "ENOTFOUND" } };
      const replies = await Promise.all(
        families.map((family) => askOne(world, address, name ?? ANY_NAME, family)),
      );
      return { server, reply: best(replies) };
    }),
  );
}

/** nginx lets the system resolve the name of a name server, once, when it starts. */
async function addressOf(world: DoctorWorld, server: string): Promise<string | null> {
  const [, host = server, port = ""] = /^(.*?)(:\d+)?$/.exec(server) ?? [];
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0) return server;
  const [found] = await world.lookup(bare).catch(() => []);
  if (found === undefined) return null;
  return `${found.family === 6 ? `[${found.address}]` : found.address}${port}`;
}

const UNKNOWN = new Set(["ENOTFOUND", "ENODATA"]);
/** An answer, though not to the question: it is there, and does not want or cannot. */
const ILL = new Set(["ESERVFAIL", "EREFUSED", "EFORMERR", "ENOTIMP", "EBADRESP"]);

async function askOne(
  world: DoctorWorld,
  server: string,
  name: string,
  family: 4 | 6,
): Promise<Reply> {
  try {
    const found = await world.askNameServer(server, name, family);
    return { kind: "known", addresses: found.map((address) => ({ address, family })) };
  } catch (error) {
    const { code: errno = "?" } = error as NodeJS.ErrnoException;
    return { kind: UNKNOWN.has(errno) ? "unknown" : ILL.has(errno) ? "ill" : "silent", errno };
  }
}

/** Of two families: an address is better than none, and an answer better than silence. */
function best(replies: readonly Reply[]): Reply {
  const known = replies.flatMap((one) => (one.kind === "known" ? one.addresses : []));
  if (known.length > 0) return { kind: "known", addresses: known };
  const order = ["unknown", "ill", "silent"] as const;
  for (const kind of order) {
    const found = replies.find((one) => one.kind === kind);
    if (found !== undefined) return found;
  }
  return { kind: "silent", errno: "?" };
}

/** How the system is asked for a name, by those who ask name servers of their own. */
export function lookupThrough(world: DoctorWorld, nameServers: NameServers): DoctorWorld["lookup"] {
  return async (name) => {
    const asked = await askNameServers(world, nameServers, name);
    const found = asked.find(({ reply }) => reply.kind === "known")?.reply;
    if (found?.kind === "known") return found.addresses;
    throw Object.assign(new Error(`no name server knows ${name}`), { code: "ENOTFOUND" });
  };
}
