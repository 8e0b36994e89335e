/**
 * What the engine says of containers: one that is down, killed for memory, restarted again and
 * again, paused or unhealthy, and a front that is older than the container whose address it keeps.
 */
import { dirname, resolve } from "node:path";
import { isoDate } from "../../../base/clock.js";
import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { ComposeService, Problem } from "../config/front-config.js";
import type { Container, EngineSaid } from "../local/engine.js";

/** The exit code of a process that was ended by SIGKILL. */
const KILLED = 137;

/** What is wrong with one container; nothing for one that runs and is not unhealthy. */
export function containerRules(one: Container): readonly Finding[] {
  const { name, state, exitCode, restarts, killedForMemory, health } = one;
  const common = { layer: "connect", blame: "upstream", code: "connection_refused" } as const;
  const logs = logsOf(one);
  const evidence = said(
    `container ${name}: ${state}, exit code ${exitCode}`,
    restarts > 0 && `restarted ${restarts} times`,
  );
  // What did its work has ended well.
  const down = state === "restarting" || (/^(?:exited|dead)$/.test(state) && exitCode !== 0);
  if (down && killedForMemory) {
    return [
      fault({
        ...common,
        cause: "killed_for_memory",
        title: `Container ${name} was killed for memory.`,
        evidence: [...evidence, "the engine says OOMKilled"],
        fix: "Compare its limit with what it needs, then give it more (mem_limit):",
        write: `docker stats --no-stream; docker inspect -f '{{.HostConfig.Memory}}' ${name}`,
      }),
    ];
  }
  if (down) {
    const again = state === "restarting";
    return [
      fault({
        ...common,
        cause: again ? "container_restarts" : "container_down",
        title: again
          ? `Container ${name} ends and is started again and again.`
          : `Container ${name} is not running: it ended with exit code ${exitCode}.`,
        evidence: said(
          ...evidence,
          exitCode === KILLED && "137 is SIGKILL: docker kill, or memory",
        ),
        fix: "The end of its log says why:",
        write: logs,
      }),
    ];
  }
  if (state === "paused") {
    return [
      fault({
        ...common,
        code: "http_response_timeout",
        cause: "container_paused",
        title: `Container ${name} is paused: it takes connections and answers none.`,
        evidence,
        fix: "Let it go on:",
        write: `docker unpause ${name}`,
      }),
    ];
  }
  return state === "running" && health === "unhealthy" ? [unhealthy(one)] : [];
}

function unhealthy(one: Container): Finding {
  return warning({
    cause: "container_unhealthy",
    layer: "health",
    blame: "upstream",
    code: "no_healthy_target",
    title: `Container ${one.name} runs, and its healthcheck fails.`,
    evidence: said(one.healthSaid !== "" && `the check said: ${one.healthSaid}`),
    fix: "Read its log. The check itself may be wrong: it runs inside the container.",
    write: logsOf(one),
  });
}

function logsOf({ service, name }: Container): string {
  return service === ""
    ? `docker logs --tail 50 ${name}`
    : `docker compose logs --tail 50 ${service}`;
}

export interface EngineFindings {
  readonly findings: readonly Finding[];
  readonly notLookedAt: readonly Problem[];
}

/** The containers of a compose file. */
export function composeContainers(
  file: string,
  services: readonly ComposeService[],
  engine: EngineSaid,
): EngineFindings {
  const where = { file, line: 1 };
  if (engine.kind === "none") return { findings: [], notLookedAt: [] };
  if (engine.kind === "forbidden") {
    const text = `the containers: this user may not open ${engine.path}`;
    return { findings: [], notLookedAt: [{ text, where, ask: "sudo docker compose ps -a" }] };
  }
  const folder = dirname(resolve(file));
  const own = engine.containers.filter((one) => one.folder === folder);
  const of = (name: string): Container | undefined => own.find((one) => one.service === name);
  const findings = services.flatMap((service) => {
    const one = of(service.name);
    if (one === undefined) return own.length === 0 ? [] : [missing(service)];
    const kept = service.keeps.flatMap((name) => olderThan(service, one, of(name)));
    return [...containerRules(one).map((each) => ({ ...each, where: service.where })), ...kept];
  });
  return { findings, notLookedAt: [] };
}

function missing({ name, where }: ComposeService): Finding {
  return warning({
    cause: "container_missing",
    layer: "connect",
    blame: "upstream",
    code: "connection_refused",
    title: `There is no container of service ${name}, while others of this file have one.`,
    evidence: [],
    fix: "Start it, unless it belongs to a profile that is not in use:",
    write: `docker compose up -d ${name}`,
    where,
  });
}

/** It asked for the address before there was this container. */
function olderThan(
  { name, where }: ComposeService,
  front: Container,
  to: Container | undefined,
): readonly Finding[] {
  if (to === undefined || !(front.startedAt < to.createdAt)) return [];
  return [
    fault({
      cause: "front_keeps_old_address",
      layer: "resolve",
      blame: "proxy",
      code: "connection_refused",
      confidence: "likely",
      title:
        `${name} was started before ${to.service} was created anew, and asks the address that ` +
        `${to.service} had then.`,
      evidence: [
        `${front.name} runs since ${isoDate(front.startedAt)}`,
        `${to.name} was created at ${isoDate(to.createdAt)}`,
      ],
      fix: "Let it ask for the address again:",
      write: `docker compose restart ${name}`,
      where,
    }),
  ];
}
