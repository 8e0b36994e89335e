/**
 * Protocols of upgrades, RFC 9110 §7.8.
 *
 * Nothing looks into a tunnel, so a protocol that carries requests (h2c) has none.
 */

/** Tunnels are opened for these by default: WebSocket, and what Docker's API calls its streams. */
export const TUNNEL_PROTOCOLS: readonly string[] = ["websocket", "tcp"];
