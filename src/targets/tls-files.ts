/**
 * Certificates and keys in files that are replaced while the process runs: read again by the next
 * connection after they have changed.
 *
 * Guarantee: a connection is made with files that belong together; until new ones do, and while one
 * cannot be read, the last good ones are used, with one warning.
 */
import { readFileSync, statSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";

/** Names of `tls` with their files. */
export type FilesByName = Readonly<Record<string, string>>;

export class TlsFiles {
  readonly #files: FilesByName;
  readonly #fixed: object;
  #signs: string;
  #context: SecureContext;
  #isReported = false;
  #version = 0;

  /** Throws where a file cannot be read, or they do not belong together. */
  constructor(files: FilesByName, fixed: object) {
    this.#files = files;
    this.#fixed = fixed;
    this.#signs = this.#look();
    this.#context = this.#read();
  }

  /** Raised with every change, since a session of TLS is that of an older certificate. */
  get version(): number {
    return this.#version;
  }

  /** For the next connection. */
  get context(): SecureContext {
    try {
      const signs = this.#look();
      if (signs === this.#signs) return this.#context;
      this.#context = this.#read();
      this.#signs = signs;
      this.#version += 1;
      this.#isReported = false;
    } catch (error) {
      this.#report(error);
    }
    return this.#context;
  }

  #look(): string {
    const seen = Object.values(this.#files).map((path) => {
      const { ino, size, mtimeMs } = statSync(path);
      return `${ino} ${size} ${mtimeMs}`;
    });
    return seen.join();
  }

  #read(): SecureContext {
    const read = Object.entries(this.#files).map(([name, path]) => [name, readFileSync(path)]);
    return createSecureContext({ ...this.#fixed, ...Object.fromEntries(read) });
  }

  #report(error: unknown): void {
    if (this.#isReported) return;
    this.#isReported = true;
    const files = Object.values(this.#files).join(", ");
    process.emitWarning(`${files}: not usable together; the files before are still used`, {
      code: "GOOD_GATEWAY_TLS_FILES",
      detail: String(error),
    });
  }
}
