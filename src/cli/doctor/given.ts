/**
 * What a person gave: a file, a folder of a front, an address in full, or what is short for one:
 * `3000`, `:3000`, `localhost:3000`, `shop.example/path`, `/run/app.sock`.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { dial } from "./probes/connect.js";
import { resolve } from "./probes/resolve.js";
import type { DoctorLimits } from "./world/limits.js";
import type { DoctorWorld } from "./world/world.js";

export type Given =
  | { readonly kind: "config"; readonly file: string }
  /** `scheme` is null where nothing says whether it is http or https. */
  | { readonly kind: "address"; readonly text: string; readonly scheme: string | null };

const MAIN_FILES = ["nginx.conf", "haproxy.cfg", "apache2.conf", "conf/httpd.conf", "Caddyfile"];
const CONFIG_NAME = /(?:\.(?:conf|cfg|json|ya?ml|toml|[cm]?[jt]s)|(?:^|\/)Caddyfile[^/]*)$/i;
const PORT = /^:?(\d{1,5})(\/.*)?$/;
const PORT_MAX = 65_535;
const HTTPS_PORTS = new Set(["443", "8443"]);

export async function readGiven(text: string): Promise<Given> {
  if (/^[a-z][a-z0-9+.-]*:(?:\/\/|unix:|\/)/i.test(text) || /^unix:/i.test(text)) {
    return { kind: "address", text, scheme: "" };
  }
  const [, port, path = "/"] = PORT.exec(text) ?? [];
  if (port !== undefined && Number(port) > 0 && Number(port) <= PORT_MAX) {
    return { kind: "address", text: `localhost:${port}${path}`, scheme: schemeOf(port) };
  }
  const info = await stat(text).catch(() => null);
  if (info?.isSocket() === true) return { kind: "address", text: `unix:${text}`, scheme: "" };
  if (info?.isDirectory() === true) return { kind: "config", file: await mainFileIn(text) };
  if (info !== null || isConfigPath(text)) return { kind: "config", file: text };
  const named = /^(?:\[[^\]]+\]|[^:/]+):(\d+)/.exec(text)?.[1];
  return { kind: "address", text, scheme: named === undefined ? null : schemeOf(named) };
}

function schemeOf(port: string): string {
  return HTTPS_PORTS.has(port) ? "https" : "http";
}

async function mainFileIn(folder: string): Promise<string> {
  for (const name of MAIN_FILES) {
    const file = join(folder, name);
    if ((await stat(file).catch(() => null))?.isFile() === true) return file;
  }
  throw new TypeError(`${folder} is a folder; name the file: ${join(folder, "nginx.conf")}`);
}

/** Whether it is written as the path of a file, wherever that is. */
export function isConfigPath(text: string): boolean {
  if (/^[a-z]+:/i.test(text) || /^[\w.-]+:\d+/.test(text)) return false;
  if (/^[./~]/.test(text) || CONFIG_NAME.test(text)) return true;
  return text.includes("/") && !/^[^/]*\./.test(text);
}

/** A name alone: https if a server listens on its port, http otherwise. */
export async function schemeAt(
  world: DoctorWorld,
  hostname: string,
  limits: DoctorLimits,
): Promise<"http" | "https"> {
  const asked = { hostname, socketPath: null };
  const { addresses } = await resolve(world, asked, limits);
  const [address] = addresses;
  if (address === undefined) return "https";
  const { step } = await dial(world, { address, port: 443, socketPath: null }, limits);
  return step.result === "ok" ? "https" : "http";
}
