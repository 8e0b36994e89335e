/**
 * What this machine knows of an endpoint on it: who listens where, the process behind the port, its
 * memory limits and its manager. Plain facts, read from /proc and a few programs.
 */

/** A socket that waits for connections. */
export interface ListeningSocket {
  readonly family: 4 | 6;
  /** Without brackets; `0.0.0.0` and `::` are every address. */
  readonly address: string;
  readonly port: number;
  /** Connections that wait to be accepted. */
  readonly waiting: number;
  /** How many may wait; null when the kernel does not say. */
  readonly backlog: number | null;
  readonly pid: number | null;
}

export interface ProcessFacts {
  readonly pid: number;
  readonly parentPid: number;
  /** The first words of the command line. */
  readonly command: string;
  /** R running, S sleeping, T stopped, Z zombie, D waiting for a disk. */
  readonly state: string;
  readonly startedAt: number;
  /** Share of one processor over a short time, 0 to 1 and more. */
  readonly processorShare: number | null;
  /** It ran all that time without waiting for anything, as an event loop that hangs does. */
  readonly spins: boolean;
  readonly openFiles: number | null;
  readonly openFilesMax: number | null;
  readonly memoryBytes: number | null;
  /** Processes that it has begun, such as the workers of gunicorn. */
  readonly children?: readonly number[];
}

export interface CgroupFacts {
  /** Kills for memory since the cgroup began. */
  readonly oomKills: number;
  readonly memoryBytes: number | null;
  readonly memoryBytesMax: number | null;
}

/** What a manager says of a program that it keeps. */
export interface ManagedFacts {
  readonly manager: "pm2" | "systemd" | "supervisord";
  readonly name: string;
  readonly pid: number | null;
  /** In the manager's own word: online, errored, failed, FATAL … */
  readonly state: string;
  readonly running: boolean;
  /** It is started again and again. */
  readonly loops: boolean;
  readonly restarts: number | null;
  /** Why it ended last, where the manager knows: a signal, an exit code, oom-kill. */
  readonly lastEnd: string | null;
  /** Its command, arguments and environment, as far as they identify the program. */
  readonly about: string;
}

export interface UnixSocketFacts {
  readonly path: string;
  readonly exists: boolean;
  readonly isSocket: boolean;
  /** As in `rw-rw----`. */
  readonly mode: string | null;
  readonly owner: string | null;
  readonly group: string | null;
  readonly writable: boolean;
  /** The first folder on the way that cannot be entered. */
  readonly closedFolder: string | null;
  /** A process listens on it now. */
  readonly listening: boolean;
  readonly waiting: number | null;
  readonly backlog: number | null;
  /** Sockets in the same folder, and those of the same kind in the usual folders. */
  readonly beside: readonly string[];
}

export interface LocalFacts {
  readonly listeners: readonly ListeningSocket[];
  /** Those on the port that was asked for. */
  readonly onPort: readonly ListeningSocket[];
  /** Who listens on the port, before the first request and after the last one. */
  readonly process: ProcessFacts | null;
  readonly processAfter: ProcessFacts | null;
  /** Node processes that listen elsewhere. */
  readonly nodeListeners: readonly (ListeningSocket & { readonly command: string })[];
  readonly cgroup: CgroupFacts | null;
  readonly managed: readonly ManagedFacts[];
  readonly unixSocket: UnixSocketFacts | null;
  /** Lines of the kernel's log about kills for memory, newest last. */
  readonly kernelKills: readonly string[];
  /** Connections that the kernel threw away, while the doctor looked and since the boot. */
  readonly overflows: { readonly during: number; readonly sinceBoot: number } | null;
}
