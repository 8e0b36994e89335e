/**
 * A WebSocket handshake, to see whether an application speaks it at this path. Nothing is sent
 * afterwards, and the connection is closed at once.
 */
import { request } from "node:http";
import type { Socket } from "node:net";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorLimits } from "../world/limits.js";
import type { DoctorWorld } from "../world/world.js";

/** The status of the answer; null when there was none in time. */
export function upgradeStatus(
  world: DoctorWorld,
  { authority, path }: Endpoint,
  socket: Socket,
  { responseMs }: DoctorLimits,
): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = request({
      createConnection: () => socket,
      path,
      headers: {
        host: authority,
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        // RFC 6455 §4.1: sixteen bytes; their value says nothing.
        "sec-websocket-key": Buffer.alloc(16, "doctor").toString("base64"),
      },
    });
    const end = (status: number | null): void => {
      timer.cancel();
      socket.destroy();
      resolve(status);
    };
    const timer = world.clock.after(responseMs, () => end(null));
    asked.on("error", () => end(null));
    asked.once("upgrade", ({ statusCode }) => end(statusCode ?? null));
    asked.once("response", ({ statusCode }) => end(statusCode ?? null));
    asked.end();
  });
}
