/**
 * What manifests of Kubernetes say: Ingress and Traefik's IngressRoute, Service, the pods of
 * workloads, and the state of endpoints.
 */
import type { Node } from "./yaml-file.js";
import { portOf } from "./yaml-front.js";

export interface Manifests {
  readonly ingresses: readonly IngressBackend[];
  readonly services: readonly KubernetesService[];
  readonly pods: readonly Pod[];
  /** Services that a file of the cluster's state says to have no ready address. */
  readonly empty: readonly Named[];
}

export interface Named {
  readonly name: string;
  readonly namespace: string;
  readonly node: Node;
}

/** What an Ingress leads to. */
export interface IngressBackend extends Named {
  readonly service: string;
  /** A number or a name; null where the rule has none. */
  readonly port: string | null;
}

export interface ServicePort {
  readonly name: string | null;
  readonly port: number;
  /** A number, or the name of a port of the container. */
  readonly target: string;
  readonly node: Node;
}

export interface KubernetesService extends Named {
  readonly ports: readonly ServicePort[];
  readonly selector: Labels;
  readonly externalName: string | null;
}

export type Labels = Readonly<Record<string, string>>;

export interface Pod extends Named {
  readonly kind: string;
  readonly labels: Labels;
  readonly containers: readonly Node[];
}

const WORKLOADS = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"]);

export function manifestsOf(objects: readonly Node[]): Manifests {
  const ofKind = (kind: string): readonly Node[] =>
    objects.filter((one) => one.at("kind").text() === kind);
  return {
    ingresses: [
      ...ofKind("Ingress").flatMap(backendsOf),
      ...ofKind("IngressRoute").flatMap(routesOf),
    ],
    services: ofKind("Service").map(serviceOf),
    pods: objects.flatMap(podOf),
    empty: emptyOf([...ofKind("Endpoints"), ...ofKind("EndpointSlice")]),
  };
}

function named(node: Node): Named {
  const label = node.at("metadata", "labels", "kubernetes.io/service-name").text();
  return {
    name: label ?? node.at("metadata", "name").text() ?? "?",
    namespace: node.at("metadata", "namespace").text() ?? "default",
    node,
  };
}

function backendsOf(ingress: Node): readonly IngressBackend[] {
  const paths = ingress
    .at("spec", "rules")
    .list()
    .flatMap((rule) => rule.at("http", "paths").list())
    .map((path) => path.at("backend"));
  return [ingress.at("spec", "defaultBackend"), ...paths].flatMap((backend) => {
    const service = backend.at("service", "name").text() ?? backend.at("serviceName").text();
    if (service === null) return [];
    const port = backend.at("service", "port");
    const chosen = port.at("number").text() ?? port.at("name").text();
    const old = backend.at("servicePort").text();
    return [{ ...named(ingress), node: backend, service, port: chosen ?? old }];
  });
}

function routesOf(route: Node): readonly IngressBackend[] {
  return route
    .at("spec", "routes")
    .list()
    .flatMap((one) => one.at("services").list())
    .filter((one) => (one.at("kind").text() ?? "Service") === "Service")
    .flatMap((one) => {
      const service = one.at("name").text();
      const own = named(route);
      const namespace = one.at("namespace").text() ?? own.namespace;
      const port = one.at("port").text();
      return service === null ? [] : [{ ...own, namespace, node: one, service, port }];
    });
}

function serviceOf(node: Node): KubernetesService {
  const ports = node.at("spec", "ports").list();
  return {
    ...named(node),
    ports: ports.flatMap((one) => {
      const port = portOf(one.at("port"));
      const target = one.at("targetPort").text() ?? String(port);
      return port === null ? [] : [{ name: one.at("name").text(), port, target, node: one }];
    }),
    selector: labelsOf(node.at("spec", "selector")),
    externalName:
      node.at("spec", "type").text() === "ExternalName"
        ? node.at("spec", "externalName").text()
        : null,
  };
}

function podOf(node: Node): readonly Pod[] {
  const kind = node.at("kind").text() ?? "";
  if (!WORKLOADS.has(kind) && kind !== "Pod") return [];
  const pod = kind === "Pod" ? node : node.at("spec", "template");
  const containers = pod.at("spec", "containers").list();
  return [{ ...named(node), kind, labels: labelsOf(pod.at("metadata", "labels")), containers }];
}

function labelsOf(node: Node): Labels {
  return Object.fromEntries(node.entries().map(([key, value]) => [key, value.text() ?? ""]));
}

/** A service may have several slices; one with an address is enough. */
function emptyOf(states: readonly Node[]): readonly Named[] {
  const ready = new Set(states.filter((one) => !isEmpty(one)).map((one) => named(one).name));
  return states.map(named).filter(({ name }) => !ready.has(name));
}

function isEmpty(node: Node): boolean {
  if (node.at("kind").text() === "Endpoints") {
    return !node
      .at("subsets")
      .list()
      .some((one) => one.at("addresses").list().length > 0);
  }
  const ready = (one: Node): boolean => one.at("conditions", "ready").text() !== "false";
  return !node.at("endpoints").list().some(ready);
}
