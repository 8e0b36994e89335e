/**
 * What a compose file says against itself. Three causes are behind most of it: `localhost` inside a
 * container is that container; two services are in no common network; a front keeps the address of
 * a container that was created anew.
 */
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Link, Links } from "../config/yaml/compose-links.js";
import type { DeclaredService } from "../config/yaml/compose-services.js";
import type { Node } from "../config/yaml/yaml-file.js";
import { serviceRules } from "./compose-service-rules.js";
import { traefikLabelRules } from "./compose-traefik-rules.js";
import {
  keptAddress,
  nameUnknown,
  noCommonNetwork,
  publishedPortInside,
} from "./container-findings.js";

export interface ComposeFacts {
  readonly services: readonly DeclaredService[];
  readonly links: Links;
  readonly root: Node;
  /** All files that it names could be read. */
  readonly whole: boolean;
}

export function composeRules(facts: ComposeFacts): readonly Finding[] {
  const { services, links } = facts;
  return [
    ...links.findings,
    ...links.links.flatMap((link) => linkRules(link, facts)),
    ...services.flatMap((service) => serviceRules(service, services)),
    ...traefikLabelRules(services),
  ];
}

const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1|0\.0\.0\.0)$/;

function linkRules(link: Link, facts: ComposeFacts): readonly Finding[] {
  const { services } = facts;
  const { from, host } = link;
  if (LOOPBACK.test(host)) return loopback(link, services);
  const to = services.find((one) => one.name !== from.name && one.names.has(host));
  if (to === undefined) return unknown(link, facts);
  const seen = seenFrom(from, services);
  const common = [...networksOf(to, services)].some((name) => seen.has(name));
  if (!common) return [noCommonNetwork(link, to, seen, networksOf(to, services))];
  return [...publishedInside(link, to), ...(link.keepsAddress ? [keptAddress(link, to)] : [])];
}

/** The networks of the service whose network it shares; none for the machine's own. */
function networksOf(
  service: DeclaredService,
  services: readonly DeclaredService[],
): ReadonlySet<string> {
  const shared = /^service:(.+)$/.exec(service.mode ?? "")?.[1];
  return services.find(({ name }) => name === shared)?.networks ?? service.networks;
}

const seenFrom = networksOf;

/** Containers that share a network have one localhost. */
function togetherWith(
  service: DeclaredService,
  services: readonly DeclaredService[],
): readonly DeclaredService[] {
  const home = (one: DeclaredService): string =>
    /^service:(.+)$/.exec(one.mode ?? "")?.[1] ?? one.name;
  return services.filter((one) => home(one) === home(service));
}

function loopback(link: Link, services: readonly DeclaredService[]): readonly Finding[] {
  const { from, port, front } = link;
  if (from.mode === "host" || port === null) return [];
  const near = togetherWith(from, services);
  if (near.some((one) => one.ports.has(port))) return [];
  const others = services.filter((one) => !near.includes(one));
  const inside = others.find((one) => one.ports.has(port));
  const outside = others.find((one) => one.published.some((each) => each.published === port));
  const to = inside ?? outside;
  if (to === undefined) return front === null ? [] : [onTheMachine(link)];
  const target = inside === undefined ? targetOf(to, port) : port;
  // A browser on this machine reads such an address, too, and for it a published port is right.
  const forBrowser = front === null && /^(?:https?|wss?)$/.test(link.scheme);
  const doubtful = forBrowser && outside !== undefined;
  const finding = doubtful ? warning : fault;
  return [
    finding({
      cause: "localhost_in_container",
      layer: "connect",
      blame: "proxy",
      code: "connection_refused",
      confidence: doubtful ? "possible" : front === null ? "likely" : "certain",
      title:
        `localhost inside the container of ${from.name} is that container itself, ` +
        `and port ${port} is of ${to.name}.`,
      evidence: said(link.said, doubtful && "right only if a browser on this machine reads it"),
      fix: "Write the name of the service, and the port inside its container:",
      write: link.write(`${link.scheme}://${to.name}:${target}`),
      where: link.where,
    }),
  ];
}

function targetOf(service: DeclaredService, published: number): number {
  return service.published.find((one) => one.published === published)?.target ?? published;
}

/** No service of the file has this port: it is meant to be on the machine. */
function onTheMachine(link: Link): Finding {
  const { from, port, scheme } = link;
  return fault({
    cause: "localhost_in_container",
    layer: "connect",
    blame: "proxy",
    code: "connection_refused",
    confidence: "likely",
    title:
      `localhost inside the container of ${from.name} is that container itself; ` +
      `no service of this file has port ${port}.`,
    evidence: [link.said],
    fix:
      `For a program on this machine, which must listen on 0.0.0.0, add extra_hosts: ` +
      `["host.docker.internal:host-gateway"] to ${from.name}, and write:`,
    write: link.write(`${scheme}://host.docker.internal:${port}`),
    where: link.where,
  });
}

/** Inside of the networks a container is asked at its own port. */
function publishedInside(link: Link, to: DeclaredService): readonly Finding[] {
  const { port, from } = link;
  const found = to.published.find((one) => one.published === port);
  if (port === null || found === undefined || to.ports.has(port)) return [];
  return [
    publishedPortInside({
      title:
        `Port ${port} of ${to.name} is published on the machine; ${from.name} reaches it at ` +
        `${found.target}, its port inside the container.`,
      evidence: [link.said, `ports of ${to.name}: ${port}:${found.target}`],
      fix: "Write the port inside the container:",
      write: link.write(`${link.scheme}://${to.name}:${found.target}`),
      where: link.where,
    }),
  ];
}

/** A name without a dot that no service has. */
function unknown(link: Link, { services, root, whole }: ComposeFacts): readonly Finding[] {
  const { from, host, front } = link;
  const own = from.names.has(host) || /[.:]/.test(host) || front === null;
  const hosts = from.node.at("extra_hosts");
  const added = [
    ...hosts.entries().map(([name]) => name),
    ...hosts.list().map((one) => one.text()),
  ];
  if (own || added.some((one) => one?.split(/[:=]/)[0] === host)) return [];
  // A network of others may have the name.
  const elsewhere = from.ownNetworks.some((one) =>
    root.at("networks", one.name, "external").exists(),
  );
  if (elsewhere || !whole || from.mode !== null) return [];
  return [
    nameUnknown(
      link,
      services.map(({ name }) => name),
    ),
  ];
}
