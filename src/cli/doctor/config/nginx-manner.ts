/**
 * How nginx asks an upstream at one place: the host name, the path, the name and the trust of TLS,
 * the script of a pool. Variables are replaced where the file defines their value.
 */
import { isAbsolute, join } from "node:path";
import type { FrontTls, Manner } from "./front-config.js";
import { fieldsAt, type Pass, settingAt } from "./nginx.js";
import type { Directive } from "./nginx-syntax.js";
import { evaluate } from "./nginx-variables.js";

/** What a client asked for, where that is known: its host, and the path that nginx makes of its. */
export interface ClientAsked {
  readonly host: string;
  readonly path: string | null;
  readonly pathBefore: string;
}

export function mannerOf(
  pass: Pass,
  server: Directive | null,
  asked: ClientAsked | null = null,
): Manner {
  const names = namesOf(pass);
  const site = asked?.host ?? names[0] ?? "localhost";
  const host = evaluate(fieldsAt(pass).get("host")?.args[1] ?? "$proxy_host", {
    ...siteVariables(pass, site),
  });
  const script = pass.kind === "fastcgi" ? scriptOf(pass) : null;
  return {
    ...(host === null ? {} : { host }),
    hosts: [...names, ...addressNames(server)],
    ...(asked?.path == null ? pathsOf(pass) : changed(asked.path, asked.pathBefore)),
    ...(pass.scheme === "https" ? { tls: tlsOf(pass, site) } : {}),
    ...(script === null ? {} : { script }),
    ports: portsOf(pass),
    secure: isSecure(pass),
    tellsProto: fieldsAt(pass).has("x-forwarded-proto") || fieldsAt(pass).has("forwarded"),
  };
}

function changed(path: string, before: string): Pick<Manner, "path" | "pathBefore"> {
  return path === before ? { path } : { path, pathBefore: before };
}

/** Names of the site that a client can use. */
function namesOf({ around }: Pass): readonly string[] {
  const server = around.find(({ name }) => name === "server");
  const names = server?.block?.find(({ name }) => name === "server_name")?.args ?? [];
  return names.filter((name) => /^[\w.-]+$/.test(name) && name !== "_" && !name.startsWith("."));
}

/** An address by which the application itself may know its name. */
function addressNames(server: Directive | null): readonly string[] {
  const place = server?.args[0] ?? "";
  return place === "" || place.startsWith("unix:") || place.includes("$") ? [] : [place];
}

function isSecure({ around }: Pass): boolean {
  const server = around.find(({ name }) => name === "server");
  return (server?.block ?? []).some(({ name, args }) => name === "listen" && args.includes("ssl"));
}

function portsOf({ around }: Pass): readonly number[] {
  const server = around.find(({ name }) => name === "server");
  const listens = (server?.block ?? []).filter(({ name }) => name === "listen");
  if (listens.length === 0) return [HTTP_PORT];
  return listens.map(({ args: [place = ""] }) => {
    const port = /^(?:.*:)?(\d+)$/.exec(place)?.[1];
    return port === undefined ? HTTP_PORT : Number(port);
  });
}

const HTTP_PORT = 80;

function siteVariables(pass: Pass, site: string): Readonly<Record<string, string>> {
  const unix = pass.place.startsWith("unix:");
  return {
    host: site,
    http_host: site,
    server_name: site,
    hostname: site,
    proxy_host: unix ? "localhost" : pass.place,
    scheme: isSecure(pass) ? "https" : "http",
  };
}

/** What is asked for at the start of a location, before and after nginx has changed it. */
function pathsOf(pass: Pass): Pick<Manner, "path" | "pathBefore"> {
  const location = pass.around.find(({ name }) => name === "location");
  const [first = "/", second] = location?.args ?? [];
  const rewrites = location?.block?.some(({ name }) => name === "rewrite") ?? false;
  const prefix = second === undefined ? first : second;
  const isPath = /^(?:=|\^~|\/.*)$/.test(first) && prefix.startsWith("/");
  if (!isPath || rewrites || pass.kind !== "proxy") return {};
  const uri = uriOf(pass);
  if (uri === null || uri.includes("$")) return { path: prefix };
  return { path: uri, pathBefore: prefix };
}

/** The path behind the address in `proxy_pass`; null when there is none. */
function uriOf({ target: text, place }: Pass): string | null {
  const after = text.slice(text.indexOf(place) + place.length).replace(/^:/, "");
  return after.startsWith("/") ? after : null;
}

function tlsOf(pass: Pass, site: string): FrontTls {
  const on = (name: string): boolean => settingAt(pass, name)?.args[0] === "on";
  const file = (name: string): string | null => settingAt(pass, name)?.args[0] ?? null;
  const wanted = settingAt(pass, "proxy_ssl_name")?.args[0] ?? "$proxy_host";
  const name = evaluate(wanted, siteVariables(pass, site))?.replace(/:\d+$/, "") ?? "";
  const verify = on("proxy_ssl_verify");
  return {
    servername: on("proxy_ssl_server_name") ? name : "",
    ca: verify ? file("proxy_ssl_trusted_certificate") : null,
    cert: file("proxy_ssl_certificate"),
    key: file("proxy_ssl_certificate_key"),
    checks: { chain: verify, expiry: verify, name: verify },
  };
}

/** The file that PHP-FPM runs for the start of the site. */
function scriptOf(pass: Pass): string | null {
  for (const { block } of pass.around) {
    const own = block?.filter(({ name }) => name === "fastcgi_param") ?? [];
    if (own.length === 0) continue;
    const value = own.findLast(({ args }) => args[0] === "SCRIPT_FILENAME")?.args[1];
    return value === undefined ? null : evaluatedScript(pass, value);
  }
  return null;
}

function evaluatedScript(pass: Pass, value: string): string | null {
  const root = settingAt(pass, "root")?.args[0];
  const index = settingAt(pass, "index")?.args.find((name) => name.endsWith(".php"));
  const name = `/${(index ?? "index.php").replace(/^\//, "")}`;
  const folder = root === undefined || isAbsolute(root) ? root : undefined;
  const script = evaluate(value, {
    ...(folder === undefined
      ? {}
      : {
          document_root: folder.replace(/\/$/, ""),
          realpath_root: folder.replace(/\/$/, ""),
          request_filename: join(folder, name),
        }),
    fastcgi_script_name: name,
    uri: name,
  });
  return script?.startsWith("/") && script.includes(".") ? script : null;
}
