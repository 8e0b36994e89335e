/**
 * Manifests of Kubernetes. Whether they fit each other is seen in the files; what runs is seen in
 * the cluster only, so each Service is said to be not looked at, with the command that leads there.
 */

import type { FrontConfig, Problem } from "../config/front-config.js";
import { type Manifests, manifestsOf } from "../config/yaml/manifests.js";
import type { YamlFile } from "../config/yaml/yaml-file.js";
import { problemAt, settingsWith, upstreamAt, yamlFront } from "../config/yaml/yaml-front.js";
import { kubernetesRules } from "../rules/kubernetes-rules.js";

export function kubernetes({ documents, problems }: YamlFile): FrontConfig | null {
  const objects = documents
    .flatMap((one) => (one.at("kind").text() === "List" ? one.at("items").list() : [one]))
    .filter((one) => one.at("apiVersion").exists() && one.at("kind").exists());
  if (objects.length === 0) return null;
  const manifests = manifestsOf(objects);
  const external = manifests.services.filter((one) => one.externalName !== null);
  return yamlFront("kubernetes", {
    upstreams: external.flatMap((service) => {
      const { externalName, ports, node, name } = service;
      const { port } = ports[0] ?? { port: 80 };
      const scheme = port === 443 ? "https" : "http";
      const address = `${scheme}://${externalName}:${port}`;
      return [upstreamAt(node, address, `service ${name}`, { settings: settingsWith({}, {}) })];
    }),
    findings: kubernetesRules(manifests),
    notLookedAt: inTheCluster(manifests),
    problems,
  });
}

function inTheCluster({ services, ingresses }: Manifests): readonly Problem[] {
  const known = new Set(services.map(({ name }) => name));
  const elsewhere = ingresses.filter(({ service }) => !known.has(service));
  return [
    ...services
      .filter(({ externalName }) => externalName === null)
      .map(({ name, namespace, ports, node }) => {
        const port = ports[0]?.port ?? 80;
        const forward = `kubectl -n ${namespace} port-forward service/${name} 18080:${port}`;
        const ask =
          `kubectl -n ${namespace} get endpointslices -l kubernetes.io/service-name=${name}; ` +
          `${forward}; good-gateway doctor http://127.0.0.1:18080/`;
        return problemAt(node, `service ${name} is asked inside the cluster only`, ask);
      }),
    ...elsewhere.map(({ service, namespace, node }) =>
      problemAt(
        node,
        `service ${service} is not in this file`,
        `kubectl -n ${namespace} describe service ${service}`,
      ),
    ),
  ];
}
