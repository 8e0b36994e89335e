/**
 * What a compose file says of two services that cannot reach each other: no common network, an
 * address that is kept too long, a name that no service has.
 */
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Link } from "../config/yaml/compose-links.js";
import type { DeclaredService } from "../config/yaml/compose-services.js";

export function noCommonNetwork(
  link: Link,
  to: DeclaredService,
  of: ReadonlySet<string>,
  others: ReadonlySet<string>,
): Finding {
  const { from } = link;
  const listed = (names: ReadonlySet<string>): string => [...names].join(", ") || "none";
  const onHost = from.mode === "host";
  const [common = "default"] = others;
  const published = to.published.find((one) => one.published !== null)?.published;
  const way = onHost
    ? `${link.scheme}://127.0.0.1:${published ?? link.port}`
    : `networks:\n  - ${common}`;
  return fault({
    cause: "no_common_network",
    layer: "resolve",
    blame: "proxy",
    code: "dns_name_not_found",
    title: onHost
      ? `${from.name} is in the network of the machine, where no name of a service is known.`
      : `${from.name} and ${to.name} are in no common network: the name is not known there.`,
    evidence: said(
      link.said,
      `networks of ${from.name}: ${onHost ? "host" : listed(of)}`,
      `networks of ${to.name}: ${listed(others)}`,
    ),
    fix: onHost
      ? `Ask for a port that ${to.name} publishes:`
      : `Give ${from.name} a network of ${to.name}, beside its own:`,
    write: onHost ? link.write(way) : way,
    where: onHost ? link.where : from.node.where,
  });
}

/** It works until the container gets another address. */
export function keptAddress(link: Link, to: DeclaredService): Finding {
  const { from, front, port, host, scheme } = link;
  const nginx =
    "resolver 127.0.0.11 valid=10s;\n" +
    `set $upstream ${scheme}://${host}:${port};\n` +
    "proxy_pass $upstream;";
  const haproxy =
    "resolvers docker\n  nameserver dns 127.0.0.11:53\n" +
    `server ${host} ${host}:${port} check resolvers docker init-addr libc,none`;
  return warning({
    cause: "front_keeps_address",
    impact: "some",
    layer: "resolve",
    blame: "proxy",
    code: "connection_refused",
    title:
      `${front} in ${from.name} asks for the address of ${to.name} once, at its start: when ` +
      `${to.name} is created anew it asks the old one (502) until it is reloaded.`,
    evidence: [link.said],
    fix:
      `At once: docker compose restart ${from.name}. For good, let it ask again ` +
      "(Docker's name server is 127.0.0.11):",
    write: front === "haproxy" ? haproxy : nginx,
    where: link.where,
  });
}

/** A container is asked at the port of the machine, where its own port is meant. */
export function publishedPortInside(
  words: Pick<Finding, "title" | "evidence" | "fix" | "write" | "where">,
): Finding {
  return fault({
    cause: "published_port_inside",
    layer: "connect",
    blame: "proxy",
    code: "connection_refused",
    confidence: "likely",
    ...words,
  });
}

export function nameUnknown(link: Link, services: readonly string[]): Finding {
  const { from, host, front } = link;
  return fault({
    cause: "name_unknown_in_compose",
    layer: "resolve",
    blame: "proxy",
    code: "dns_name_not_found",
    confidence: "likely",
    title: `${front} in ${from.name} asks for ${host}, and no service of this file has that name.`,
    evidence: [link.said, `services: ${services.join(", ")}`],
    fix: "Write the name of the service, or give the service that name:",
    write: `networks:\n  default:\n    aliases: ["${host}"]`,
    where: link.where,
  });
}
