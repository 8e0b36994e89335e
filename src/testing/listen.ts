/**
 * Puts a server of the testing kit on the loopback interface or on a Unix socket, and says where it
 * is.
 * Guarantee: a port that was not asked for is chosen by the system; a Unix socket gets a folder of
 * its own below the temporary one, which `cleanUp` removes.
 */
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo, ListenOptions, Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where a server listens. */
export interface ListenPlace {
  /** `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly origin: string;
  readonly host: string;
  /** 0 on a Unix socket. */
  readonly port: number;
  readonly socketPath: string | undefined;
}

/** Where a server shall listen. */
export interface PlaceWanted {
  readonly scheme?: "http" | "https";
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly unix?: boolean | string | undefined;
  readonly backlog?: number;
}

const LOOPBACK = "127.0.0.1";

/** Starts to listen; `cleanUp` is owed after the server has been closed. */
export async function listen(
  server: Server,
  wanted: PlaceWanted = {},
): Promise<ListenPlace & { cleanUp(): Promise<void> }> {
  const { scheme = "http", host = LOOPBACK, port = 0, unix = false, backlog } = wanted;
  const limits: ListenOptions = backlog === undefined ? {} : { backlog };
  if (unix === false) {
    await listening(server, { ...limits, host, port });
    const bound = (server.address() as AddressInfo).port;
    const shown = host.includes(":") ? `[${host}]` : host;
    const origin = `${scheme}://${shown}:${bound}`;
    return { origin, host, port: bound, socketPath: undefined, cleanUp: async () => {} };
  }
  const folder = unix === true ? await mkdtemp(join(tmpdir(), "good-gateway-")) : undefined;
  const path = folder === undefined ? String(unix) : join(folder, "upstream.sock");
  await listening(server, { ...limits, path });
  const cleanUp = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  return { origin: `unix:${path}`, host: "localhost", port: 0, socketPath: path, cleanUp };
}

function listening(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}
