/**
 * What every command has: standard streams and the environment, and the codes with which it ends.
 * They are handed in, so that a test can read what a person would see.
 */
import type { Output } from "./terminal.js";

/** What a command has of the process. */
export interface CommandWorld {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export const EXIT = { well: 0, found: 1, couldNotRun: 2 } as const;
