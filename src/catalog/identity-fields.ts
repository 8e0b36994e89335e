/**
 * Fields in which a proxy passes the client's identity and its original request to the application:
 * addresses, certificates, signed-in users, hosts and paths. A caller that may send them can
 * impersonate any client.
 *
 * All names are in lower case, with hyphens. A prefix stands where the makers of a proxy add names
 * from time to time; a name that applications give fields of their own is no prefix here.
 */

/** Fields of this meaning, by their whole names. */
export const IDENTITY_NAMES: ReadonlySet<string> = new Set([
  // Addresses, as proxies and the libraries that look for them call them.
  ...["client-ip", "x-client-ip", "x-clientip", "x-client-host", "x-client-port", "x-realip"],
  ...["x-cluster-client-ip", "true-client-ip", "x-true-client-ip", "x-true-ip", "x-remoteip"],
  ...["x-originating-ip", "x-origin-ip", "x-remote-ip", "x-remote-addr", "x-remote-address"],
  ...["x-remote-host", "x-remote-port", "remote-addr", "remote-host", "remote-port", "remoteip"],
  ...["x-proxyuser-ip", "proxy-client-ip", "x-source-ip", "x-client-geo-location"],
  ...["cdn-src-ip", "x-cdn-src-ip", "ali-cdn-real-ip", "ali-real-client-ip", "do-connecting-ip"],
  ...["incap-client-ip", "x-sucuri-clientip", "x-sucuri-country", "x-hwwaf-real-ip"],
  ...["x-shopify-client-ip", "x-gateway-host", "x-client-scheme"],
  // Scheme, host, path and method of a request that a proxy has rewritten.
  ...["x-scheme", "x-url-scheme", "front-end-https", "x-host", "x-http-host-override"],
  ...["disguised-host", "was-default-hostname", "x-waws-unencoded-url", "x-http-destinationurl"],
  ...["script-name", "x-script-name", "x-proxy-url", "x-matched-path", "x-now-route-matches"],
  // What a proxy lets the application open as a file: Rack reads both.
  ...["x-accel-mapping", "x-sendfile-type"],
  // Who has signed in.
  ...["remote-user", "remote-groups", "remote-name", "remote-email", "x-forwarded-user"],
  ...["cf-access-authenticated-user-email", "cf-access-jwt-assertion", "x-endpoint-api-userinfo"],
  ...["x-credential-identifier", "x-credential-username", "x-anonymous-consumer"],
  ...["teleport-jwt-assertion", "sec-istio-auth-userinfo", "x-jwt-assertion", "x-userinfo"],
  ...["sm-user", "iv-user", "iv-groups", "iv-creds", "x-vouch-user", "x-replit-user-id"],
  // A server's word to itself that its own checks are done (CVE-2025-29927).
  ...["x-middleware-subrequest", "x-middleware-subrequest-id", "x-middleware-rewrite"],
  ...["x-react-router-spa-mode", "x-react-router-prerender-data"],
  // Other facts about the client.
  ...["cf-visitor", "cf-worker", "cf-pseudo-ipv4", "cf-region", "cf-region-code", "cf-timezone"],
  ...["fastly-ssl", "fastly-ff", "fastly-temp-xff", "akamai-origin-hop", "x-akamai-edgescape"],
  ...["x-akamai-device-characteristics", "akamai-reputation", "akamai-bot", "x-amzn-tls-version"],
  ...["x-amzn-tls-cipher-suite", "ssl-cipher", "ssl-session-id", "ssl-cipher-usekeysize"],
]);

/** Fields of this meaning, by how their names begin. */
export const IDENTITY_PREFIXES: readonly string[] = [
  ...["x-forward", "forwarded-", "x-original-", "x-originally-", "x-rewrite-", "x-real-"],
  // RFC 9440, and what stood for it before; client certificates as TLS servers pass them.
  ...["client-cert", "x-client-cert", "ssl-client-", "x-ssl-", "x-tls-client-", "cf-client-cert-"],
  ...["x-client-verify", "x-client-dn", "x-client-ssl-"],
  // Users, as proxies with their own sign-in pass them.
  ...["x-remote-user", "x-remote-group", "x-remote-extra-", "x-auth-request-", "x-webauth-"],
  ...["x-authenticated-", "x-consumer-", "x-authentik-", "x-pomerium-", "tailscale-user-"],
  ...["x-ms-client-principal", "x-ms-token-", "x-goog-authenticated-user-", "x-goog-iap-"],
  ...["x-amzn-oidc-", "x-amzn-mtls-", "x-amzn-lattice-", "x-apigateway-", "oidc-claim-"],
  ...["oidc-access-token", "oidc-id-token", "shib-", "mellon-"],
  // Requests as clouds hand them to their functions.
  ...["x-amzn-request-context", "x-amzn-lambda-context", "x-amzn-vpc", "x-invoke-"],
  // Meshes, servers and clouds; those of WebSphere begin with a dollar sign.
  ...["x-envoy-", "wl-proxy-", "$ws", "x-arr-", "x-azure-", "x-appservice-", "x-appengine-"],
  ...["cloudfront-", "cf-connecting-", "cf-ip", "fastly-client", "fastly-geo", "fastly-orig-"],
  ...["fly-client-", "fly-forwarded-", "fly-ssl", "eo-connecting-", "eo-client-", "incap-tls-"],
  ...["x-vercel-forwarded-", "x-vercel-proxied-", "x-vercel-proxy-", "x-vercel-ip-"],
  ...["x-vercel-oidc-", "x-vercel-sc-", "x-nf-client-", "x-nf-geo", "x-nf-account-"],
];

/**
 * CGI turns `Proxy` into the variable HTTP_PROXY, which HTTP clients take for the address of their
 * proxy (CVE-2016-5385). No proxy has a use for it.
 */
export const NEVER_MEANT: ReadonlySet<string> = new Set(["proxy"]);
