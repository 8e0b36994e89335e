/**
 * The services of a compose file: names, networks, ports and variables, as the others of the same
 * file and this machine see them.
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";
import type { Where } from "../front-config.js";
import type { Interpolate, Node } from "./yaml-file.js";

export interface DeclaredService {
  readonly name: string;
  readonly node: Node;
  readonly image: string;
  /** The names by which others of its networks find it. */
  readonly names: ReadonlySet<string>;
  /** Empty where it has no network, or that of the machine. */
  readonly networks: ReadonlySet<string>;
  readonly ownNetworks: readonly NamedNode[];
  /** `host`: its localhost is the machine's. `service:x`: it is that of x. */
  readonly mode: string | null;
  readonly published: readonly Published[];
  /** What is said of ports inside the container: published, exposed, and by a label of Traefik. */
  readonly ports: ReadonlySet<number>;
  readonly variables: readonly Variable[];
  /** Command and entrypoint, in one text. */
  readonly command: string;
  readonly labels: readonly Variable[];
  readonly dependsOn: readonly (NamedNode & { readonly condition: string })[];
}

export interface NamedNode {
  readonly name: string;
  readonly node: Node;
}

export interface Published {
  readonly host: string | null;
  /** Null where Docker picks one. */
  readonly published: number | null;
  readonly target: number;
  readonly node: Node;
}

export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly where: Where;
}

export async function servicesOf(root: Node): Promise<readonly DeclaredService[]> {
  return Promise.all(
    root
      .at("services")
      .entries()
      .map(([name, node]) => serviceOf(name, node)),
  );
}

async function serviceOf(name: string, node: Node): Promise<DeclaredService> {
  const mode = node.at("network_mode").text();
  const networks = node.at("networks");
  const ownNetworks = namesOf(networks);
  const usual = mode === null && !networks.exists() ? ["default"] : [];
  const aliases = networks.entries().flatMap(([, one]) => one.at("aliases").list());
  const published = node.at("ports").list().flatMap(publishedOf);
  const labels = pairsOf(node.at("labels"));
  return {
    name,
    node,
    mode,
    ownNetworks,
    published,
    labels,
    image: node.at("image").text() ?? "",
    names: new Set(
      [name, node.at("container_name").text(), node.at("hostname").text()]
        .concat(aliases.map((one) => one.text()))
        .filter((one) => one !== null),
    ),
    networks: new Set([...usual, ...ownNetworks.map((one) => one.name)]),
    ports: new Set([
      ...published.map(({ target }) => target),
      ...node.at("expose").list().flatMap(portsIn),
    ]),
    variables: lastOf([
      ...(await ofFiles(node.at("env_file"))),
      ...pairsOf(node.at("environment")),
    ]),
    command: [node.at("entrypoint"), node.at("command")].map(wordsOf).join(" "),
    dependsOn: namesOf(node.at("depends_on")).map((one) => ({
      ...one,
      condition: one.node.at("condition").text() ?? "service_started",
    })),
  };
}

/** A list of names, or a map with them as keys. */
function namesOf(node: Node): readonly NamedNode[] {
  const listed = node.list().flatMap((one) => {
    const name = one.text();
    return name === null ? [] : [{ name, node: one }];
  });
  return [...listed, ...node.entries().map(([name, one]) => ({ name, node: one }))];
}

/** `NAME=value` in a list, or a map. */
function pairsOf(node: Node): readonly Variable[] {
  const listed = node.list().flatMap((one) => {
    const [, name, value] = /^([^=]+)=([\s\S]*)$/.exec(one.text() ?? "") ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value, where: one.where }];
  });
  const mapped = node.entries().flatMap(([name, one]) => {
    const value = one.text();
    return value === null ? [] : [{ name, value, where: one.where }];
  });
  return [...listed, ...mapped];
}

/** A later one replaces that of the same name. */
function lastOf(variables: readonly Variable[]): readonly Variable[] {
  return [...new Map(variables.map((one) => [one.name, one])).values()];
}

function wordsOf(node: Node): string {
  return (
    node.text() ??
    node
      .list()
      .map((one) => one.text() ?? "")
      .join(" ")
  );
}

const RANGE_MAX = 64;

function portsIn(node: Node): readonly number[] {
  const [, from, to = from] = /^(\d+)(?:-(\d+))?(?:\/tcp)?$/.exec(node.text() ?? "") ?? [];
  return from === undefined ? [] : range(Number(from), Number(to));
}

function range(from: number, to: number): readonly number[] {
  return Array.from(
    { length: Math.min(Math.max(to - from + 1, 0), RANGE_MAX) },
    (_, i) => from + i,
  );
}

const SHORT = /^(?:(?:(\[[^\]]+\]|[\d.]+):)?(\d*)(?:-(\d+))?:)?(\d+)(?:-(\d+))?(?:\/(\w+))?$/;

function publishedOf(node: Node): readonly Published[] {
  const short = node.text();
  if (short !== null) {
    const [, host, from = "", to = from, target, last = target, protocol] = SHORT.exec(short) ?? [];
    if (target === undefined || (protocol ?? "tcp") !== "tcp") return [];
    const outside = from === "" ? [] : range(Number(from), Number(to));
    return range(Number(target), Number(last)).map((one, index) => {
      const place = host?.replace(/^\[|\]$/g, "") ?? null;
      return { host: place, published: outside[index] ?? null, target: one, node };
    });
  }
  const target = Number(node.at("target").text() ?? 0);
  if (target === 0 || (node.at("protocol").text() ?? "tcp") !== "tcp") return [];
  const published = Number(node.at("published").text() ?? Number.NaN);
  return [
    {
      host: node.at("host_ip").text(),
      published: Number.isInteger(published) && published > 0 ? published : null,
      target,
      node,
    },
  ];
}

async function ofFiles(node: Node): Promise<readonly Variable[]> {
  const all = [node, ...node.list(), ...node.list().map((one) => one.at("path"))];
  const found = await Promise.all(
    all.map((one) => {
      const path = one.text();
      return path === null ? [] : variablesIn(resolve(dirname(one.where.file), path));
    }),
  );
  return found.flat();
}

async function variablesIn(file: string): Promise<readonly Variable[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text.split("\n");
  return Object.entries(parseEnv(text)).map(([name, value]) => {
    const at = lines.findIndex((line) => line.replace(/^\s*(?:export\s+)?/, "").startsWith(name));
    return { name, value: value ?? "", where: { file, line: at + 1 } };
  });
}

/** `${NAME}`, `${NAME:-usual}` and `$NAME`, from `.env` beside the file and from this process. */
export async function variablesBeside(file: string): Promise<Interpolate> {
  const own = await variablesIn(resolve(dirname(file), ".env"));
  const known = new Map(own.map(({ name, value }) => [name, value]));
  for (const [name, value] of Object.entries(process.env)) known.set(name, value ?? "");
  const valueFor = (whole: string, name: string, usual: string | undefined): string =>
    known.get(name) || (usual ?? known.get(name) ?? whole);
  return (text) =>
    text
      .replace(/\$\{(\w+)(?::?-([^}]*))?[^}]*\}|(?<!\$)\$(\w+)/g, (whole, braced, usual, bare) =>
        valueFor(whole, braced ?? bare, usual),
      )
      .replaceAll("$$", "$");
}
