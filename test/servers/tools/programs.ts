/**
 * Real servers that the tests of this folder need, such as nginx.
 *
 * Where one is missing the tests are skipped, with its name in the reason; with CI=true they fail
 * instead, so that nobody takes a run without them for a whole one.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, it } from "vitest";

/** Servers are installed where the PATH of a user without rights may not lead. */
const MORE_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The Debian package of a program that is not called like it. */
const PACKAGES: Readonly<Record<string, string>> = {
  apache2: "apache2-bin",
  java: "tomcat10",
  "php-fpm8.2": "php-fpm",
  promtool: "prometheus",
  ss: "iproute2",
  uwsgi: "uwsgi-core uwsgi-plugin-python3",
  varnishd: "varnish",
  supervisord: "supervisor",
  supervisorctl: "supervisor",
  "systemd-notify": "systemd",
  "systemd-socket-activate": "systemd",
};

/** The path of a program; null when it is not installed. */
export function programPath(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...MORE_FOLDERS];
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

/** A suite that needs these programs. */
export function describeWith(programs: readonly string[], name: string, suite: () => void): void {
  const missing = programs.filter((program) => programPath(program) === null);
  if (missing.length === 0) return void describe(name, suite);
  const packages = new Set(missing.map((program) => PACKAGES[program] ?? program));
  const reason = `needs ${missing.join(" and ")}: apt-get install ${[...packages].join(" ")}`;
  if (process.env["CI"] !== "true") return void describe.skip(`${name} (${reason})`, suite);
  describe(name, () =>
    it("has the servers that it needs", () => {
      throw new Error(reason);
    }),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
