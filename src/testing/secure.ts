/**
 * TLS for the sockets of a scripted upstream.
 * The TCP socket stays in our hands, since only it can be reset; so each connection gets a TLS
 * server of its own that never listens and is handed this one socket.
 * Guarantee: resolves with the secured socket, or with null when the handshake fails or the client
 * leaves.
 */
import type { Socket } from "node:net";
import { createServer, type TlsOptions } from "node:tls";

/** How to secure an accepted socket; without options it stays as it is. */
export function secureWith(
  options: TlsOptions | undefined,
): (raw: Socket) => Promise<Socket | null> {
  if (options === undefined) return async (raw) => raw;
  return (raw) =>
    new Promise((resolve) => {
      const server = createServer({ ...options, allowHalfOpen: true });
      server.once("secureConnection", resolve);
      server.once("tlsClientError", () => resolve(null));
      raw.once("close", () => resolve(null));
      server.emit("connection", raw);
    });
}
