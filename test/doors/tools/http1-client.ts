/**
 * Asks a server of HTTP/1.1 by raw bytes.
 */
import type { AddressInfo } from "node:net";
import type { RunningServer } from "../../adapters/servers.js";
import { ask, type KeptConnection, type RawRequest } from "../../gallery/tools/raw-client.js";
import type { Asked, OpenDoor } from "../door.js";
import { answeredOf } from "./answered.js";

/** The door that a listening server is; `change` is done to every request. */
export function openServer(
  { server, close }: Omit<RunningServer, "port">,
  change: (asked: Asked) => Asked = (asked) => asked,
): OpenDoor {
  const { port } = server.address() as AddressInfo;
  const kept: KeptConnection = { socket: null };
  return {
    server,
    async ask(asked = {}, { kept: again, ...how } = {}) {
      const request = change(asked) as RawRequest;
      return answeredOf(await ask(port, request, again === true ? { ...how, kept } : how));
    },
    async close() {
      kept.socket?.destroy();
      await close();
    },
  };
}
