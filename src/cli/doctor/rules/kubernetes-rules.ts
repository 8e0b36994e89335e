/**
 * Manifests that do not fit each other: an Ingress whose port the Service does not have, a Service
 * that selects no pod, a target port that no container names.
 */
import { fault, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type {
  IngressBackend,
  KubernetesService,
  Labels,
  Manifests,
  Pod,
  ServicePort,
} from "../config/yaml/manifests.js";
import { portOf } from "../config/yaml/yaml-front.js";

export function kubernetesRules(manifests: Manifests): readonly Finding[] {
  return [
    ...manifests.ingresses.flatMap((one) => backendRules(one, manifests)),
    ...manifests.services.flatMap((one) => serviceRules(one, manifests)),
    ...manifests.empty.map(noReadyEndpoint),
  ];
}

function backendRules(backend: IngressBackend, { services }: Manifests): readonly Finding[] {
  const { service: name, port, namespace, node } = backend;
  const same = services.filter((one) => one.name === name);
  const service = same.find((one) => one.namespace === namespace);
  if (service === undefined) return same.slice(0, 1).map((one) => otherNamespace(backend, one));
  const known = service.ports.some((one) => String(one.port) === port || one.name === port);
  if (port === null || known || service.ports.length === 0) return [];
  const [first] = service.ports;
  const byTarget = service.ports.find(({ target }) => target === port);
  const right = byTarget ?? first;
  return [
    fault({
      cause: "ingress_port_unknown",
      layer: "config",
      blame: "proxy",
      code: "no_healthy_target",
      title: `The ingress leads to port ${port} of service ${name}, which has no such port.`,
      evidence: [
        `service ${name} has ${service.ports.map(portText).join(", ")}`,
        ...(byTarget === undefined ? [] : [`${port} is its targetPort, the container's own`]),
      ],
      fix: "Write the port of the service, and not that of the container:",
      write: `port:\n  number: ${right?.port}`,
      where: node.where,
    }),
  ];
}

function portText({ name, port, target }: ServicePort): string {
  return `${name === null ? "" : `${name}: `}port ${port} -> targetPort ${target}`;
}

function otherNamespace(
  { service, namespace, node }: IngressBackend,
  found: KubernetesService,
): Finding {
  return fault({
    cause: "service_in_other_namespace",
    layer: "config",
    blame: "proxy",
    code: "no_healthy_target",
    title:
      `The ingress is in namespace ${namespace}, and service ${service} in ${found.namespace}: ` +
      "an ingress reaches services of its own namespace only.",
    evidence: [`service ${service}: ${found.node.where.file}:${found.node.where.line}`],
    fix: "Move one of them:",
    write: `metadata:\n  namespace: ${found.namespace}`,
    where: node.where,
  });
}

function serviceRules(service: KubernetesService, { pods }: Manifests): readonly Finding[] {
  const { selector, namespace, ports } = service;
  const near = pods.filter((pod) => pod.namespace === namespace);
  if (Object.keys(selector).length === 0 || near.length === 0) return [];
  const chosen = near.filter(({ labels }) => fits(selector, labels));
  if (chosen.length === 0) return noPod(service, near);
  return ports.flatMap((port) => chosen.flatMap((pod) => targetRules(service, port, pod)));
}

function fits(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** Blamed only where a pod of this file has the same key, or nothing else is in the file. */
function noPod(
  { name, selector, node }: KubernetesService,
  pods: readonly Pod[],
): readonly Finding[] {
  const keys = Object.keys(selector);
  const near = pods.find(({ labels }) => keys.some((key) => labels[key] !== undefined));
  if (near === undefined) return [];
  const text = (labels: Labels): string =>
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
  const lines = Object.entries(near.labels).map(([key, value]) => `  ${key}: ${value}`);
  return [
    fault({
      cause: "no_endpoints",
      layer: "config",
      blame: "proxy",
      code: "no_healthy_target",
      confidence: "likely",
      title: `Service ${name} selects ${text(selector)}, and no pod of this file has these labels.`,
      evidence: [`${near.kind} ${near.name} has ${text(near.labels)}`],
      fix: `Look with kubectl get pods -l ${text(selector)}, then write the labels of the pods:`,
      write: ["selector:", ...lines].join("\n"),
      where: node.at("spec", "selector").where,
    }),
  ];
}

function targetRules({ name }: KubernetesService, port: ServicePort, pod: Pod): readonly Finding[] {
  const named = pod.containers.flatMap((one) => one.at("ports").list());
  const numbers = named.map((one) => portOf(one.at("containerPort")));
  const names = named.map((one) => one.at("name").text());
  const byNumber = /^\d+$/.test(port.target);
  const known = byNumber ? numbers.includes(Number(port.target)) : names.includes(port.target);
  // A port that no container names is reached nevertheless, when it is a number.
  const others = names.every((one) => /metric|prom|admin|debug|health/i.test(one ?? ""));
  if (known || (byNumber && others)) return probeRules(pod);
  const [right = port.target] = numbers.filter((one) => one !== null).map(String);
  const confidence = byNumber ? "likely" : "certain";
  return [
    fault({
      cause: "target_port_unknown",
      layer: "connect",
      blame: "proxy",
      code: byNumber ? "connection_refused" : "no_healthy_target",
      confidence,
      title:
        `Service ${name} sends port ${port.port} to ${port.target}, and ${pod.kind} ${pod.name} ` +
        (byNumber ? `names ${numbers.join(", ")} only.` : "has no port of this name."),
      evidence: [`containerPort: ${numbers.join(", ") || "none"}`],
      fix: "Write the port that the application listens on in the container:",
      write: `targetPort: ${right}`,
      where: port.node.where,
    }),
  ];
}

/** A probe of a port that no container names keeps the pod out of every service. */
function probeRules(pod: Pod): readonly Finding[] {
  return pod.containers.flatMap((container) => {
    const ports = container.at("ports").list();
    const probe = container.at("readinessProbe");
    const asked = ["httpGet", "tcpSocket"].map((kind) => probe.at(kind, "port").text());
    const wanted = asked.find((one) => one !== null) ?? null;
    const known = ports.some((one) =>
      [one.at("containerPort"), one.at("name")].some((port) => port.text() === wanted),
    );
    if (wanted === null || ports.length === 0 || known) return [];
    return [
      warning({
        cause: "probe_port_unknown",
        layer: "health",
        blame: "proxy",
        code: "no_healthy_target",
        title:
          `The readiness probe of ${pod.kind} ${pod.name} asks port ${wanted}, ` +
          "which no container names.",
        evidence: [
          `containerPort: ${ports.map((one) => one.at("containerPort").text()).join(", ")}`,
        ],
        fix: "A pod that is never ready gets no request; write the port that it listens on.",
        where: probe.where,
      }),
    ];
  });
}

function noReadyEndpoint({ name, namespace, node }: Manifests["empty"][number]): Finding {
  return fault({
    cause: "no_endpoints",
    layer: "config",
    blame: "upstream",
    code: "no_healthy_target",
    title: `Service ${name} has no ready endpoint: no pod is selected, or none is ready.`,
    evidence: [],
    fix: "Compare the selector with the pods, and read why they are not ready:",
    write:
      `kubectl -n ${namespace} describe service ${name}; ` +
      `kubectl -n ${namespace} get pods -o wide`,
    where: node.where,
  });
}
