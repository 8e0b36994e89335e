/**
 * Labels of a compose file that Traefik reads: the port of the container, the network in which it
 * asks, and whether it sees the service at all.
 */
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { DeclaredService, Variable } from "../config/yaml/compose-services.js";
import { publishedPortInside } from "./container-findings.js";

export function traefikLabelRules(services: readonly DeclaredService[]): readonly Finding[] {
  const front = services.find(({ image }) => /(?:^|\/)traefik(?::|@|$)/.test(image)) ?? null;
  return services
    .filter((one) => one.name !== front?.name && one.labels.some(isOfTraefik))
    .flatMap((one) => [...portRules(one), ...networkRules(one, front), ...enabled(one, front)]);
}

const isOfTraefik = ({ name }: Variable): boolean => name.startsWith("traefik.");
const SERVER_PORT = /^traefik\.\w+\.services\.[^.]+\.loadbalancer\.server\.port$/i;

function portRules({ name, labels, published, ports }: DeclaredService): readonly Finding[] {
  return labels
    .filter((label) => SERVER_PORT.test(label.name))
    .flatMap((label) => {
      const port = Number(label.value);
      const outside = published.find((one) => one.published === port);
      if (outside === undefined || ports.has(port)) return [];
      return [
        publishedPortInside({
          title:
            `Traefik asks ${name} at port ${port}, which is published on the machine; ` +
            `inside its container it is ${outside.target}.`,
          evidence: [`${label.name}=${label.value}`, `ports: ${port}:${outside.target}`],
          fix: "Traefik reaches the container in its network. Write the port inside:",
          write: `${label.name}=${outside.target}`,
          where: label.where,
        }),
      ];
    });
}

function networkRules(service: DeclaredService, front: DeclaredService | null): readonly Finding[] {
  if (front === null || front.mode !== null || service.mode !== null) return [];
  const { name, labels, networks } = service;
  const label = labels.find((one) => /^traefik\.(?:docker|swarm)\.network$/.test(one.name));
  const usual = /--providers\.docker\.network[= ](\S+)/.exec(front.command)?.[1];
  const common = [...networks].filter((one) => front.networks.has(one));
  const [first] = [...front.networks];
  if (common.length === 0) {
    return [
      fault({
        cause: "no_common_network",
        layer: "connect",
        blame: "proxy",
        code: "connection_timeout",
        title: `Traefik and ${name} are in no common network: it answers 502 or 504.`,
        evidence: [
          `networks of ${front.name}: ${[...front.networks].join(", ")}`,
          `networks of ${name}: ${[...networks].join(", ")}`,
        ],
        fix: `Give ${name} a network of Traefik, beside its own:`,
        write: `networks:\n  - ${first}`,
        where: service.node.where,
      }),
    ];
  }
  const chosen = label?.value ?? usual;
  if (chosen !== undefined || networks.size === common.length) return [];
  return [
    warning({
      cause: "network_not_chosen",
      impact: "some",
      layer: "connect",
      blame: "proxy",
      code: "connection_timeout",
      confidence: "likely",
      title: `${name} is in ${networks.size} networks, and Traefik may take one that it is not in.`,
      evidence: said(`in common: ${common.join(", ")}`, `all: ${[...networks].join(", ")}`),
      fix: "It answers 504 then. Name the network (with the project before it, or its name:):",
      write: `traefik.docker.network=${common[0]}`,
      where: service.node.at("labels").where,
    }),
  ];
}

function enabled(
  { name, labels, node }: DeclaredService,
  front: DeclaredService | null,
): readonly Finding[] {
  const off = /--providers\.docker\.exposedbydefault[= ]false/i.test(front?.command ?? "");
  const label = labels.find((one) => one.name === "traefik.enable");
  if (!off || label?.value === "true") return [];
  return [
    fault({
      cause: "not_enabled",
      layer: "config",
      blame: "proxy",
      code: "no_healthy_target",
      title: `Traefik takes only what is enabled, and ${name} is not: it answers 404.`,
      evidence: ["--providers.docker.exposedbydefault=false"],
      fix: "Add the label:",
      write: "traefik.enable=true",
      where: label?.where ?? node.at("labels").where,
    }),
  ];
}
