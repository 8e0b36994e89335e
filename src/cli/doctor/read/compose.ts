/**
 * `docker compose`: the services with the ports that they publish, which can be asked from here,
 * and what they say of each other, which can only be compared. The configurations that a front has
 * mounted are read as what that front asks inside its networks.
 */
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { ConfiguredUpstream, FrontConfig, Problem } from "../config/front-config.js";
import { linksOf, type ReadMounted } from "../config/yaml/compose-links.js";
import {
  type DeclaredService,
  type Published,
  servicesOf,
} from "../config/yaml/compose-services.js";
import type { Node, YamlFile } from "../config/yaml/yaml-file.js";
import { problemAt, settingsWith, upstreamAt, yamlFront } from "../config/yaml/yaml-front.js";
import { composeRules } from "../rules/compose-rules.js";
import { composeFiles } from "./compose-files.js";

export async function compose(
  file: string,
  { documents, problems }: YamlFile,
  readMounted: ReadMounted,
): Promise<FrontConfig | null> {
  const [main] = documents;
  if (main === undefined || !isCompose(main)) return null;
  const { root, missing, ...others } = await composeFiles(file, main);
  const services = await servicesOf(root);
  const links = await linksOf(services, readMounted);
  const findings: readonly Finding[] = composeRules({
    ...{ services, links, root },
    whole: missing.length === 0,
  });
  const upstreams = services.flatMap((one) => publishedOf(one));
  return yamlFront("compose", {
    upstreams,
    findings,
    services: services.map(({ name, node, names }) => ({
      name,
      where: node.where,
      keeps: links.links.flatMap((link) => {
        const to = services.find((one) => one.names.has(link.host));
        return link.keepsAddress && names.has(link.from.name) && to !== undefined ? [to.name] : [];
      }),
    })),
    notLookedAt: [...missing, ...services.flatMap(hiddenOf)],
    // What stands in a file that cannot be read is defined there.
    problems: [
      ...problems,
      ...others.problems,
      ...(missing.length > 0 ? [] : brokenOf(root, services)),
    ],
  });
}

function isCompose(root: Node): boolean {
  const own = root.entries().every(([name]) => OF_COMPOSE.test(name));
  if (own && root.at("include").list().length > 0) return true;
  const parts = ["image", "build", "ports", "extends", "command"];
  return root
    .at("services")
    .entries()
    .some(([, one]) => parts.some((part) => one.at(part).exists()));
}

const OF_COMPOSE = /^(?:version|name|include|services|networks|volumes|configs|secrets|x-.*)$/;

/** Programs that speak no HTTP, by the names of their images. */
const NO_HTTP =
  /(?:^|\/)(?:postgres|postgis|mysql|mariadb|redis|valkey|mongo|memcached|rabbitmq|kafka|nats)\b/;
const HTTPS_PORTS = new Set([443, 8443]);

function publishedOf(service: DeclaredService): readonly ConfiguredUpstream[] {
  return service.published.flatMap((one) => {
    if (one.published === null) return [];
    const host = one.host === null || /^(?:0\.0\.0\.0|::)$/.test(one.host) ? "127.0.0.1" : one.host;
    const place = `${host.includes(":") ? `[${host}]` : host}:${one.published}`;
    const address = `${schemeOf(service, one)}://${place}`;
    const context = `service ${service.name}, port ${one.published} -> ${one.target}`;
    return [upstreamAt(one.node, address, context, { settings: SETTINGS })];
  });
}

function schemeOf({ image, ports }: DeclaredService, { target }: Published): string {
  if (NO_HTTP.test(image) && ports.has(target) && target !== RABBIT_PAGES) return "tcp";
  if (NO_HTTP_PORTS.has(target)) return "tcp";
  return HTTPS_PORTS.has(target) ? "https" : "http";
}

/** The pages of RabbitMQ's management. */
const RABBIT_PAGES = 15_672;
const NO_HTTP_PORTS = new Set([
  22, 25, 53, 389, 465, 587, 1025, 1433, 1883, 3306, 5432, 5672, 6379, 9092, 11211, 27017,
]);

/** What runs is left alone by anything that stands in the file: no line of it is to be written. */
const SETTINGS = settingsWith({}, { address: () => "" });

function hiddenOf(service: DeclaredService): readonly Problem[] {
  const { name, published, node, ports } = service;
  if (published.some((one) => one.published !== null)) return [];
  const [first] = published;
  if (first !== undefined) {
    const ask = `docker compose port ${name} ${first.target}  # then ask for what it says`;
    return [problemAt(first.node, `service ${name}: Docker picks its port`, ask)];
  }
  const [port] = ports;
  const inside = port === undefined ? "" : `; docker compose exec ${name} ${wget(port)}`;
  const text = `service ${name}: it publishes no port, and is reached inside its networks only`;
  return [problemAt(node, text, `docker compose ps ${name}${inside}`)];
}

function wget(port: number): string {
  return `wget -qO- http://127.0.0.1:${port}/`;
}

/** What `docker compose up` refuses. */
function brokenOf(root: Node, services: readonly DeclaredService[]): readonly Problem[] {
  const names = new Set(services.map(({ name }) => name));
  const networks = new Set(
    root
      .at("networks")
      .entries()
      .map(([name]) => name),
  );
  return services.flatMap(({ name, dependsOn, ownNetworks }) => [
    ...dependsOn
      .filter((one) => !names.has(one.name))
      .map((one) => problemAt(one.node, `service ${name} depends on undefined ${one.name}`)),
    ...ownNetworks
      .filter((one) => one.name !== "default" && !networks.has(one.name))
      .map((one) => problemAt(one.node, `service ${name} has the undefined network ${one.name}`)),
  ]);
}
