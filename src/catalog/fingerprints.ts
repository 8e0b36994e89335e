/**
 * Ages at which connections are closed, by who closes them then. The age of a connection at its
 * reset often says more about who is at fault than the error does.
 */
export interface Fingerprint {
  readonly ageMs: number;
  /** Who closes an idle connection at this age. */
  readonly closedBy: string;
}

export const FINGERPRINTS: readonly Fingerprint[] = [
  { ageMs: 5_000, closedBy: "Node's keepAliveTimeout (up to 25.x), Apache's KeepAliveTimeout" },
  { ageMs: 15_000, closedBy: "gunicorn and others with a short keep-alive" },
  { ageMs: 60_000, closedBy: "nginx, AWS ALB, HAProxy or Tomcat with 60 s" },
  { ageMs: 65_000, closedBy: "Node's keepAliveTimeout from 26 on" },
  { ageMs: 72_000, closedBy: "Fastify's keepAliveTimeout" },
  { ageMs: 75_000, closedBy: "nginx's keepalive_timeout towards its clients" },
  { ageMs: 350_000, closedBy: "AWS NLB or NAT gateway, idle limit" },
  { ageMs: 240_000, closedBy: "Azure load balancer, idle limit" },
  { ageMs: 600_000, closedBy: "Google Cloud load balancer" },
];

/** Who closes connections at this age; null when nobody is known for it. */
export function closerAt(ageMs: number, slackMs: number): Fingerprint | null {
  return (
    FINGERPRINTS.find((one) => ageMs >= one.ageMs - slackMs && ageMs <= one.ageMs + slackMs) ?? null
  );
}
