/**
 * What carries the messages of a fleet, and one that stays within a process.
 *
 * A bus may lose messages, repeat them, be slow and be away: every message says all that its member
 * has to say, so the next one makes up for it.
 */

export interface FleetBus {
  /** As the state of the fleet shows it. */
  readonly kind: string;
  /** Sends a text to all who listen to the channel, perhaps to the sender as well. */
  send(channel: string, text: string): Promise<unknown>;
  /** Calls for each text from now on; returns how to end that. */
  listen(channel: string, heard: (text: string) => void): Promise<() => unknown>;
}

/** For gateways of one process, and for tests. */
export function memoryBus(): FleetBus {
  const channels = new Map<string, Set<(text: string) => void>>();
  return {
    kind: "memory",
    async send(channel, text) {
      for (const heard of [...(channels.get(channel) ?? [])]) heard(text);
    },
    async listen(channel, heard) {
      const listeners = channels.get(channel) ?? new Set();
      channels.set(channel, listeners);
      listeners.add(heard);
      return () => listeners.delete(heard);
    },
  };
}
