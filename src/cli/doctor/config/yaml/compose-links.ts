/**
 * Who asks whom in a compose file: addresses in variables and commands, and what the mounted
 * configuration of a front asks. Nothing of it can be asked from outside of the networks.
 */
import { readdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Finding } from "../../../../diagnosis/diagnosis-report.js";
import { parseEndpoint } from "../../world/endpoint.js";
import type { FrontConfig, FrontKind, Where } from "../front-config.js";
import type { DeclaredService } from "./compose-services.js";
import type { Node } from "./yaml-file.js";

/** One service speaks of an address. */
export interface Link {
  readonly from: DeclaredService;
  readonly scheme: string;
  readonly host: string;
  /** Null where it is not written, and the scheme has no usual one. */
  readonly port: number | null;
  readonly said: string;
  readonly where: Where;
  /** The front whose configuration asks there; null for a variable or a command. */
  readonly front: FrontKind | null;
  /** It asks for the name once, when it starts. */
  readonly keepsAddress: boolean;
  /** What to write for another address, in the language of that front. */
  readonly write: (address: string) => string;
}

/** Reads the configuration of a front; null where it is none, or cannot be read. */
export type ReadMounted = (file: string) => Promise<FrontConfig | null>;

export interface Links {
  readonly links: readonly Link[];
  /** What is wrong in the mounted configurations by themselves. */
  readonly findings: readonly Finding[];
}

export async function linksOf(
  services: readonly DeclaredService[],
  readMounted: ReadMounted,
): Promise<Links> {
  const mounted = await Promise.all(services.map((one) => ofMounts(one, readMounted)));
  return {
    links: [...services.flatMap(ofTexts), ...mounted.flatMap((one) => one.links)],
    findings: mounted.flatMap((one) => one.findings),
  };
}

const ADDRESS = /\b([a-z][a-z0-9+]*):\/\/(?:[^\s/@"']*@)?(\[[^\]]+\]|[\w.-]+)(?::(\d+))?/gi;
const USUAL_PORTS: Readonly<Record<string, number>> = {
  ...{ http: 80, ws: 80, https: 443, wss: 443, redis: 6379, amqp: 5672, mongodb: 27017 },
  ...{ postgres: 5432, postgresql: 5432, mysql: 3306, mariadb: 3306 },
};

/** Of these variables browsers and other people's servers are the readers. */
const FOR_OTHERS = new RegExp(
  "PUBLIC|ORIGIN|CORS|REDIRECT|CALLBACK|VITE_|REACT_APP|FRONTEND|EXTERNAL|ISSUER|DOMAIN|SITE|" +
    "LISTEN|BIND|^(?:APP_|BASE_|ROOT_|SERVER_|WEB_?|NEXTAUTH_)?URL$",
  "i",
);

function ofTexts(service: DeclaredService): readonly Link[] {
  const { variables, command, node } = service;
  const texts = [
    ...variables.filter(({ name }) => !FOR_OTHERS.test(name)),
    { name: "command", value: command, where: node.at("command").where },
  ];
  return texts.flatMap(({ name, value, where }) =>
    [...value.matchAll(ADDRESS)].map(([text, scheme = "", host = "", port]): Link => {
      const kind = scheme.toLowerCase().replace(/\+.*/, "");
      return {
        from: service,
        scheme: kind,
        host: host.replace(/^\[|\]$/g, "").toLowerCase(),
        port: port === undefined ? (USUAL_PORTS[kind] ?? null) : Number(port),
        said: `${name}: ${text.replace(/\/\/[^@]*@/, "//")}`,
        where,
        front: null,
        keepsAddress: false,
        write: (address) => `${name}: ${address}`,
      };
    }),
  );
}

/** Where the images of fronts have their configurations. */
const FOLDERS: readonly RegExp[] = [
  /^\/etc\/(?:nginx|caddy|haproxy|traefik|envoy|cloudflared|apache2)(?:\/|$)/,
  /^\/usr\/local\/(?:etc\/haproxy|apache2\/conf|openresty\/nginx\/conf)(?:\/|$)/,
  /^\/(?:traefik|envoy)\.ya?ml$|^\/Caddyfile$/,
];
const CONFIGS = /\.(?:conf|cfg|ya?ml)$|^Caddyfile/;
const FILES_MAX = 50;

async function ofMounts(service: DeclaredService, readMounted: ReadMounted): Promise<Links> {
  const files = await Promise.all(service.node.at("volumes").list().map(mountedFiles));
  const configs = await Promise.all(files.flat().slice(0, FILES_MAX).map(readMounted));
  const read = configs.filter((one) => one !== null);
  return {
    links: read.flatMap((config) => linksIn(service, config)),
    // Which family localhost is matters to none, where it is the wrong container.
    findings: read
      .flatMap((one) => one.findings)
      .filter(({ cause }) => cause !== "localhost_has_two_families"),
  };
}

async function mountedFiles(volume: Node): Promise<readonly string[]> {
  const [short = "", inside = ""] = (volume.text() ?? "").split(":");
  const source = volume.at("source").text() ?? short;
  const target = volume.at("target").text() ?? inside;
  if (!/^[./~]/.test(source) || !FOLDERS.some((folder) => folder.test(target))) return [];
  const path = resolve(dirname(volume.where.file), source);
  const info = await stat(path).catch(() => null);
  if (info?.isFile() === true) return [path];
  if (info?.isDirectory() !== true) return [];
  const names = await readdir(path).catch(() => []);
  return names.filter((name) => CONFIGS.test(name)).map((name) => join(path, name));
}

function linksIn(service: DeclaredService, { front, upstreams }: FrontConfig): readonly Link[] {
  return upstreams.flatMap((one): readonly Link[] => {
    const endpoint = endpointOf(one.address);
    if (endpoint === null || endpoint.socketPath !== null) return [];
    return [
      {
        from: service,
        scheme: endpoint.protocol,
        host: endpoint.hostname.toLowerCase(),
        port: endpoint.port,
        said: `${one.context}: ${one.address}`,
        where: one.where,
        front,
        keepsAddress: KEEPERS.has(front) && one.nameServers === undefined && one.asksAgain !== true,
        write: one.settings.write.address,
      },
    ];
  });
}

/** Go's fronts and Envoy ask again for each connection, or as the answer of DNS says. */
const KEEPERS: ReadonlySet<FrontKind> = new Set(["nginx", "haproxy"]);

function endpointOf(address: string): ReturnType<typeof parseEndpoint> | null {
  try {
    return parseEndpoint(address);
  } catch {
    return null;
  }
}
