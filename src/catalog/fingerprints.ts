/**
 * Known idle timeouts, and the software that closes connections then. How long a connection was
 * idle before its reset often says more about the cause than the error does.
 */
export interface Fingerprint {
  readonly ageMs: number;
  /** Who closes an idle connection at this age. */
  readonly closedBy: string;
}

export const FINGERPRINTS: readonly Fingerprint[] = [
  { ageMs: 2_000, closedBy: "gunicorn's --keep-alive" },
  {
    ageMs: 5_000,
    closedBy: "Node's keepAliveTimeout (up to 25.x), Apache's KeepAliveTimeout, uvicorn, lighttpd",
  },
  { ageMs: 10_000, closedBy: "Bun's idleTimeout" },
  { ageMs: 15_000, closedBy: "Apache's KeepAliveTimeout in older versions" },
  { ageMs: 20_000, closedBy: "Tomcat's connectionTimeout as installed, Puma up to 6" },
  { ageMs: 30_000, closedBy: "Jetty's idleTimeout" },
  { ageMs: 60_000, closedBy: "nginx, AWS ALB, HAProxy or Tomcat with 60 s" },
  { ageMs: 65_000, closedBy: "Node's keepAliveTimeout from 26 on, Puma from 7 on" },
  { ageMs: 72_000, closedBy: "Fastify's keepAliveTimeout" },
  { ageMs: 75_000, closedBy: "nginx's keepalive_timeout towards its clients" },
  { ageMs: 120_000, closedBy: "IIS, waitress" },
  { ageMs: 130_000, closedBy: "Kestrel's KeepAliveTimeout" },
  { ageMs: 180_000, closedBy: "Traefik's idleTimeout" },
  { ageMs: 240_000, closedBy: "Azure load balancer, idle limit" },
  { ageMs: 300_000, closedBy: "Caddy's idle_timeout" },
  { ageMs: 350_000, closedBy: "AWS NLB or NAT gateway, idle limit" },
  { ageMs: 600_000, closedBy: "Google Cloud load balancer" },
  { ageMs: 900_000, closedBy: "Cloudflare, kube-proxy in the mode IPVS" },
  { ageMs: 3_600_000, closedBy: "Envoy's idle_timeout" },
];

/** Of short times, a smaller part is near. */
const NEAR_RATIO = 0.25;

/** The software that closes connections nearest to this age; null when none is known. */
export function closerAt(ageMs: number, slackMs: number): Fingerprint | null {
  const far = (one: Fingerprint): number => Math.abs(ageMs - one.ageMs);
  const near = FINGERPRINTS.filter(
    (one) => far(one) <= Math.min(slackMs, one.ageMs * NEAR_RATIO),
  ).sort((one, other) => far(one) - far(other));
  return near[0] ?? null;
}
