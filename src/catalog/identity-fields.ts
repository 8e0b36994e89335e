/**
 * Fields in which a proxy tells the application who its client is and what was asked: addresses,
 * certificates, signed-in users, original hosts and paths. Whoever may send them may be anybody.
 *
 * All names are in lower case, with hyphens. A prefix stands where the makers of a proxy add names
 * from time to time; a name that applications give fields of their own is no prefix here.
 */

/** Fields of this meaning, by their whole names. */
export const IDENTITY_NAMES: ReadonlySet<string> = new Set([
  // Addresses, as proxies and the libraries that look for them call them.
  ...["client-ip", "x-client-ip", "x-clientip", "x-cluster-client-ip", "x-real-ip", "x-real-port"],
  ...["true-client-ip", "x-true-client-ip", "x-originating-ip", "x-remote-ip", "x-remote-addr"],
  ...["remote-addr", "remote-host", "x-proxyuser-ip", "proxy-client-ip", "x-source-ip"],
  ...["cdn-src-ip", "ali-cdn-real-ip", "do-connecting-ip", "incap-client-ip", "x-sucuri-clientip"],
  ...["x-nf-client-connection-ip", "x-cdn-src-ip", "x-azure-clientip"],
  // Scheme, host, path and method of a request that somebody has rewritten.
  ...["x-scheme", "x-url-scheme", "front-end-https", "x-host", "x-http-host-override"],
  ...["disguised-host", "was-default-hostname", "x-waws-unencoded-url", "x-http-destinationurl"],
  ...["script-name", "x-script-name"],
  // What a proxy lets the application open as a file: Rack reads both.
  ...["x-accel-mapping", "x-sendfile-type"],
  // Who has signed in.
  ...["remote-user", "remote-groups", "remote-name", "remote-email", "x-forwarded-user"],
  ...["cf-access-authenticated-user-email"],
  // Other facts about the client.
  ...["cf-visitor", "cf-worker", "cf-pseudo-ipv4"],
  ...["fastly-ssl", "fastly-temp-xff", "akamai-origin-hop", "x-akamai-edgescape"],
]);

/** Fields of this meaning, by how their names begin. */
export const IDENTITY_PREFIXES: readonly string[] = [
  ...["x-forwarded", "forwarded-for", "x-original-", "x-rewrite-"],
  // RFC 9440, and what stood for it before; certificates of clients as TLS servers tell them.
  ...["client-cert", "x-client-cert", "ssl-client-", "x-ssl-", "x-tls-client-"],
  ...["x-client-verify", "x-client-dn", "x-client-ssl-"],
  // Users, as proxies with a sign-in of their own tell them.
  ...["x-remote-user", "x-remote-group", "x-remote-extra-", "x-auth-request-"],
  ...["x-ms-client-principal", "x-ms-token-", "x-goog-authenticated-user-", "x-goog-iap-"],
  ...["x-amzn-oidc-", "x-amzn-mtls-", "x-amzn-lattice-"],
  // Meshes, servers and clouds.
  ...["x-envoy-", "wl-proxy-", "x-arr-", "x-azure-", "x-appengine-", "cloudfront-viewer-"],
  ...["cf-connecting-", "cf-ip", "fastly-client", "fly-client-", "fly-forwarded-", "fly-ssl"],
  ...["x-vercel-forwarded-", "x-vercel-proxied-", "x-vercel-ip-", "x-nf-client-"],
];

/**
 * CGI turns `Proxy` into the variable HTTP_PROXY, which HTTP clients take for the address of their
 * proxy (CVE-2016-5385). No proxy has a use for it.
 */
export const NEVER_MEANT: ReadonlySet<string> = new Set(["proxy"]);
