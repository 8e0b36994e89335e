/**
 * The files of one compose project as one: the override beside a file, what it includes, and the
 * services that others extend.
 *
 * Guarantee: of files that name each other in a circle each is read once, and no chain is longer
 * than its limit; what could not be read is said.
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { Problem } from "../config/front-config.js";
import { variablesBeside } from "../config/yaml/compose-services.js";
import { mergedNode, withChild, withEntries } from "../config/yaml/merged-node.js";
import { type Node, readYaml, type YamlFile } from "../config/yaml/yaml-file.js";
import { problemAt } from "../config/yaml/yaml-front.js";

/** Longer chains of includes and extensions are a circle. */
const CHAIN_MAX = 16;

export interface ComposeFiles {
  readonly root: Node;
  /** What is wrong in the other files. */
  readonly problems: readonly Problem[];
  /** Parts that stand in a file that could not be read. */
  readonly missing: readonly Problem[];
}

export async function composeFiles(file: string, main: Node): Promise<ComposeFiles> {
  const project = new Project();
  const own = await project.withOverride(file, main);
  const whole = await project.withIncludes(own, [resolve(file)]);
  const services = await project.extended(whole.at("services"));
  const { problems, missing } = project;
  return { root: withChild(whole, "services", services), problems, missing };
}

class Project {
  readonly problems: Problem[] = [];
  readonly missing: Problem[] = [];
  readonly #read = new Map<string, Promise<YamlFile | null>>();

  /** compose.yml has compose.override.yml beside it, unless other files are named. */
  async withOverride(file: string, main: Node): Promise<Node> {
    const [, name] = /^((?:docker-)?compose)\.ya?ml$/.exec(basename(file)) ?? [];
    if (name === undefined) return main;
    const names = ["yml", "yaml"].map((end) => `${name}.override.${end}`);
    const beside = await Promise.all(names.map((one) => this.#root(resolve(dirname(file), one))));
    return mergedNode([main, ...beside.filter((one) => one !== null).slice(0, 1)]);
  }

  async withIncludes(root: Node, chain: readonly string[]): Promise<Node> {
    const parts: Node[] = [];
    for (const one of root.at("include").list()) {
      const several = one.at("path");
      const paths = several.exists() ? [several, ...several.list()] : [one];
      const named = paths.flatMap((path) => path.text() ?? []);
      const layers = await Promise.all(named.map((path) => this.#included(one, path, chain)));
      const found = layers.filter((layer) => layer !== null);
      if (found.length < named.length) this.#lacks(one, `it includes ${named.join(", ")}`);
      if (found.length > 0) parts.push(mergedNode(found));
    }
    return mergedNode([...parts, root]);
  }

  async #included(from: Node, path: string, chain: readonly string[]): Promise<Node | null> {
    const file = resolve(dirname(from.where.file), path);
    if (chain.includes(file) || chain.length >= CHAIN_MAX) {
      this.problems.push(problemAt(from, `${path} includes itself`));
      return null;
    }
    const root = await this.#root(file);
    return root === null ? null : this.withIncludes(root, [...chain, file]);
  }

  async extended(services: Node): Promise<Node> {
    const pairs = services.entries();
    const whole = await Promise.all(
      pairs.map(async ([name, one]) => [name, await this.#whole(name, one, services, [])] as const),
    );
    return withEntries(services, whole);
  }

  /** A service with what it extends below it. */
  async #whole(name: string, own: Node, beside: Node, chain: readonly string[]): Promise<Node> {
    const extending = own.at("extends");
    if (!extending.exists()) return own;
    const base = extending.text() ?? extending.at("service").text();
    const path = extending.at("file").text();
    const file = path === null ? null : resolve(dirname(extending.where.file), path);
    const others = file === null ? beside : (await this.#root(file))?.at("services");
    if (others === undefined) {
      this.#lacks(extending, `service ${name} extends ${base} of ${path}`);
      return own;
    }
    const place = `${file ?? own.where.file} ${base}`;
    const found = others.at(base ?? "");
    if (base === null || !found.exists()) {
      this.problems.push(problemAt(extending, `service ${name} extends undefined ${base}`));
      return own;
    }
    if (chain.includes(place) || chain.length >= CHAIN_MAX) {
      this.problems.push(problemAt(extending, `service ${name} extends itself`));
      return own;
    }
    return mergedNode([await this.#whole(base, found, others, [...chain, place]), own]);
  }

  #lacks(node: Node, text: string): void {
    const ask = "docker compose config > all.yml; good-gateway doctor all.yml";
    this.missing.push(problemAt(node, `${text}, which cannot be read`, ask));
  }

  async #root(file: string): Promise<Node | null> {
    const known = this.#read.get(file) ?? readOne(file);
    if (!this.#read.has(file)) {
      this.#read.set(file, known);
      this.problems.push(...((await known)?.problems ?? []));
    }
    return (await known)?.documents[0] ?? null;
  }
}

async function readOne(file: string): Promise<YamlFile | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null ? null : readYaml(file, text, await variablesBeside(file));
}
