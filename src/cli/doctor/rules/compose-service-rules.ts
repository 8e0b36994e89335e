/**
 * Contradictions within one service of a compose file: it listens where no other container reaches
 * it, waits for a health check that does not exist, or is checked at a port that it does not have.
 */
import { fault, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { DeclaredService, Variable } from "../config/yaml/compose-services.js";

export function serviceRules(
  service: DeclaredService,
  services: readonly DeclaredService[],
): readonly Finding[] {
  return [...listensInside(service), ...waitsForHealth(service, services), ...checkPort(service)];
}

/** Options of servers that say where to listen. */
const LISTENS = new RegExp(
  "(?:^|\\s)(?:--(?:host|bind|hostname|address|listen|http-host)|-[bH])[ =]" +
    "(?:localhost|127\\.[\\d.]+|\\[?::1\\]?)(?::\\d+)?(?=\\s|$)",
);
const LISTEN_VARIABLE = /^(?:HOST|HOSTNAME|BIND|BIND_ADDR(?:ESS)?|LISTEN(?:_ADDR(?:ESS)?)?)$/;
const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1)(?::\d+)?$/;

function listensInside(service: DeclaredService): readonly Finding[] {
  const { name, command, variables, published, mode, node } = service;
  const option = LISTENS.exec(command)?.[0].trim();
  const variable = variables.find(
    (one: Variable) => LISTEN_VARIABLE.test(one.name) && LOOPBACK.test(one.value),
  );
  const said = option ?? (variable === undefined ? null : `${variable.name}=${variable.value}`);
  if (said === null || mode !== null) return [];
  const outside =
    published[0] === undefined ? "a published port" : `port ${published[0].published}`;
  return [
    fault({
      cause: "listens_inside_container_only",
      layer: "connect",
      blame: "upstream",
      code: "connection_refused",
      confidence: option === undefined ? "likely" : "certain",
      title:
        `${name} listens on the loopback address of its container (${said}): neither other ` +
        `containers nor ${outside} reach it.`,
      evidence: [],
      fix: "Let it listen on every address of the container:",
      write: said.replace(/localhost|127\.[\d.]+|\[?::1\]?/, "0.0.0.0"),
      where: variable?.where ?? node.at("command").where,
    }),
  ];
}

/** Compose ends with "has no healthcheck configured", unless the image brings one. */
function waitsForHealth(
  { name, dependsOn }: DeclaredService,
  services: readonly DeclaredService[],
): readonly Finding[] {
  return dependsOn.flatMap((one) => {
    const other = services.find((each) => each.name === one.name);
    if (one.condition !== "service_healthy" || other === undefined) return [];
    const check = other.node.at("healthcheck");
    const off = check.at("disable").text() === "true" || isNone(other);
    if (check.exists() && !off) return [];
    const finding = off ? fault : warning;
    const port = [...other.ports][0] ?? 3_000;
    return [
      finding({
        cause: "depends_on_without_healthcheck",
        layer: "health",
        blame: "proxy",
        code: "no_healthy_target",
        confidence: off ? "certain" : "likely",
        title: `${name} waits for the health of ${other.name}, which has no healthcheck.`,
        evidence: off ? ["it is switched off"] : ["right only if its image brings one"],
        fix: "Compose does not start it then; give it a check with a program that the image has:",
        write: `healthcheck:\n  test: ["CMD", "wget", "-qO-", "http://127.0.0.1:${port}/"]`,
        where: one.node.where,
      }),
    ];
  });
}

function isNone({ node }: DeclaredService): boolean {
  return node.at("healthcheck", "test").list()[0]?.text() === "NONE";
}

/** The check runs inside the container, so it needs the port inside. */
function checkPort({ name, node, published, ports }: DeclaredService): readonly Finding[] {
  const test = node.at("healthcheck", "test");
  const text =
    test.text() ??
    test
      .list()
      .map((one) => one.text() ?? "")
      .join(" ");
  const port = Number(/(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)/.exec(text)?.[1] ?? 0);
  const outside = published.find((one) => one.published === port);
  if (outside === undefined || ports.has(port)) return [];
  return [
    fault({
      cause: "healthcheck_at_published_port",
      layer: "health",
      blame: "proxy",
      code: "connection_refused",
      confidence: "likely",
      title:
        `The healthcheck of ${name} asks port ${port}, which is published on the machine; ` +
        `inside its container it is ${outside.target}.`,
      evidence: [`ports: ${port}:${outside.target}`, `healthcheck: ${text}`],
      fix: "A healthcheck runs inside the container. Write:",
      write: text.replace(`:${port}`, `:${outside.target}`),
      where: test.where,
    }),
  ];
}
