/**
 * A place that is asked, and how a connection to it is opened: the one that is kept, and those that
 * are used for a single request.
 */
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";
import { openSocket, PROXY_LINE, type SocketPlace } from "./connect.js";
import { type Exchanged, type ProbeConnection, probeConnection } from "./exchange.js";
import { type Secured, secure } from "./secure.js";

export interface Line {
  readonly world: DoctorWorld;
  readonly endpoint: Endpoint;
  readonly limits: DoctorLimits;
  readonly place: SocketPlace;
}

/** Opens a connection as the endpoint wants it. */
export async function open(
  line: Line,
): Promise<{ readonly secured: Secured | null; readonly connection: ProbeConnection | null }> {
  const { world, endpoint, limits, place } = line;
  if (endpoint.protocol === "https" || endpoint.protocol === "grpcs") {
    const secured = await secure(world, endpoint, place, limits);
    const { socket } = secured;
    const connection = socket === null ? null : probeConnection(world, endpoint, socket, limits);
    return { secured, connection };
  }
  const socket = await openSocket(world, place, limits.connectMs).catch(() => null);
  if (endpoint.proxyProtocol) socket?.write(PROXY_LINE);
  const connection = socket === null ? null : probeConnection(world, endpoint, socket, limits);
  return { secured: null, connection };
}

/** What of a request is to be other than the endpoint has it. */
export type Other = Partial<Pick<Endpoint, "authority" | "path" | "protocol" | "proxyProtocol">>;

/** A request of its own on a new connection; null when there was no connection. */
export async function onceMore(line: Line, other: Other = {}): Promise<Exchanged | null> {
  const endpoint = { ...line.endpoint, ...other };
  const { connection } = await open({ ...line, endpoint });
  if (connection === null) return null;
  try {
    return await connection.get(endpoint.path);
  } finally {
    connection.close();
  }
}
