/**
 * Causes in name resolution, and the two families behind one name.
 * A name is where the configuration of a proxy meets the network.
 */

import { fault, said, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import type { Facts } from "../facts/facts.js";

export function nameCauses(facts: Facts): readonly Finding[] {
  const { step } = facts.resolved;
  if (step.result === "failed") return [unresolved(facts)];
  return oneFamily(facts);
}

function unresolved({ endpoint, resolved }: Facts): Finding {
  const { step } = resolved;
  const evidence = [`${step.name}: ${step.detail}`];
  if (step.code === "dns_name_not_found") {
    const single = !endpoint.hostname.includes(".");
    return fault({
      cause: "name_does_not_exist",
      layer: "resolve",
      code: "dns_name_not_found",
      title: `The name ${endpoint.hostname} does not exist.`,
      evidence: said(
        ...evidence,
        single && "It has no dot: such names exist inside one container network or cluster only.",
      ),
      fix: single
        ? "Ask from the machine or network of the proxy, and compare the spelling with the service."
        : `Compare the spelling, then ask the name server: dig ${endpoint.hostname}`,
    });
  }
  return fault({
    cause: "name_server_fails",
    layer: "resolve",
    ...(step.code === null ? {} : { code: step.code }),
    title: `The name server gives no answer for ${endpoint.hostname}.`,
    evidence,
    fix: "Look at the servers of /etc/resolv.conf: dig @SERVER NAME shows which of them fails.",
  });
}

/** A name with addresses of which one is refused: a proxy that takes turns fails every second. */
function oneFamily({ endpoint, dialled }: Facts): readonly Finding[] {
  const good = dialled.filter(({ step }) => step.result === "ok");
  const bad = dialled.filter(({ step }) => step.result === "failed");
  if (good.length === 0 || bad.length === 0) return [];
  const evidence = dialled.map(({ step }) => `${step.name}: ${step.detail}`);
  const families = new Set(dialled.map(({ address }) => address?.family));
  const first = good[0]?.address?.address ?? "";
  if (families.size < 2) {
    return [
      warning({
        cause: "one_address_is_dead",
        layer: "connect",
        blame: "upstream",
        ...(bad[0]?.step.code == null ? {} : { code: bad[0].step.code }),
        title:
          `${bad.length} of ${dialled.length} addresses of ${endpoint.hostname} do ` +
          "not answer.",
        evidence,
        fix: "Take the dead address out of DNS, or start the application there.",
      }),
    ];
  }
  return [
    warning({
      cause: "listens_on_one_family",
      layer: "connect",
      blame: "proxy",
      code: "connection_refused",
      title:
        `${endpoint.hostname} has addresses of both families, and the application listens on ` +
        "one of them.",
      evidence: [
        ...evidence,
        "nginx counts each address as a server: every second request can fail.",
      ],
      fix: `Write ${first} in place of ${endpoint.hostname}, or let the application listen on ::.`,
    }),
  ];
}
