/**
 * What the doctor has of the machine: time, names, files and programs. Tests put others in place.
 * Nothing here waits longer than its limit.
 */
import { execFile } from "node:child_process";
import type { LookupAddress } from "node:dns";
import { lookup, Resolver } from "node:dns/promises";
import { type Clock, systemClock } from "../../../base/clock.js";

export interface DoctorWorld {
  readonly clock: Clock;
  /** The root of the file system, so that /proc and /etc can be others in tests. */
  readonly root: string;
  lookup(name: string): Promise<readonly LookupAddress[]>;
  /** Asks one name server, past the system; rejects with a code of node:dns. */
  askNameServer(server: string, name: string, family: 4 | 6): Promise<readonly string[]>;
  /** What a program prints; null when it is not there, fails, or takes too long. */
  run(program: string, args: readonly string[]): Promise<string | null>;
  /** What this program prints within the network of a process; null where it may not enter. */
  inside(pid: number, args: readonly string[], ms: number): Promise<string | null>;
}

/** Names are those of the process too, in mounts that nothing else sees. */
const INSIDE = `for name in hosts resolv.conf; do
  mount --bind "/proc/$1/root/etc/$name" "/etc/$name" 2>/dev/null
done; shift; exec "$@"`;

/** A program that is asked for a state answers at once, or not at all. */
const PROGRAM_MS_MAX = 3_000;
const PROGRAM_BYTES_MAX = 4 * 1024 * 1024;

/** A name server of the same network answers within milliseconds. */
const NAME_SERVER_MS_MAX = 1_500;

export const systemWorld: DoctorWorld = {
  clock: systemClock,
  root: "/",
  lookup: (name) => lookup(name, { all: true, verbatim: true }),
  async askNameServer(server, name, family) {
    const resolver = new Resolver({ timeout: NAME_SERVER_MS_MAX, tries: 1 });
    // A cancelled question is rejected with a code of its own.
    const timer = systemClock.after(NAME_SERVER_MS_MAX, () => resolver.cancel());
    try {
      resolver.setServers([server]);
      return await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name));
    } finally {
      timer.cancel();
    }
  },
  run: (program, args) =>
    new Promise((resolve) => {
      const limits = { timeout: PROGRAM_MS_MAX, maxBuffer: PROGRAM_BYTES_MAX };
      execFile(program, [...args], limits, (error, stdout) =>
        resolve(error === null ? stdout : null),
      );
    }),
  inside: (pid, args, ms) =>
    new Promise((resolve) => {
      const enter = ["-t", String(pid), "-n", "unshare", "-m", "sh", "-c", INSIDE, "sh"];
      const self = [process.execPath, process.argv[1] ?? "", ...args];
      const limits = { timeout: Math.max(Math.round(ms), 1), maxBuffer: PROGRAM_BYTES_MAX };
      // It ends with 1 where it has found something.
      execFile("nsenter", [...enter, String(pid), ...self], limits, (_, stdout) =>
        resolve(stdout === "" ? null : stdout),
      );
    }),
};

/** The result, or null when it took too long; what is late is let go of. */
export async function within<Value>(
  clock: Clock,
  ms: number,
  work: Promise<Value>,
): Promise<Value | null> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => resolve(null));
    work.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}
