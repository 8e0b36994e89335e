/**
 * Socket activation: the listening sockets that systemd opened for this process, sd_listen_fds(3).
 *
 * While one process stops and the next one starts, such a socket stays open, and clients wait in
 * its queue instead of being refused.
 */

/** A socket that is open and listens. */
export interface ListenFd {
  /** For `server.listen({ fd })`. */
  readonly fd: number;
  /** `FileDescriptorName=` of the socket unit; `unknown` where it has none. */
  readonly name: string;
}

/** The first one, sd_listen_fds(3). */
const FD_FIRST = 3;

/** The sockets that were handed to this very process, in the order of the unit; mostly none. */
export function listenFds(
  env: Readonly<Record<string, string | undefined>> = process.env,
): readonly ListenFd[] {
  // The environment is inherited by children, the sockets are not.
  if (Number(env["LISTEN_PID"]) !== process.pid) return [];
  const count = Number(env["LISTEN_FDS"]);
  if (!Number.isInteger(count) || count <= 0) return [];
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: count }, (_, index) => ({
    fd: FD_FIRST + index,
    name: names[index] || "unknown",
  }));
}
