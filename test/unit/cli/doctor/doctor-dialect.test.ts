/**
 * Next steps are in the language of the front that is looked at, with what is really asked: no
 * placeholder where the host and the port are known, and no option of ours for other fronts.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type {
  ConfiguredUpstream,
  FrontKind,
} from "../../../../src/cli/doctor/config/front-config.js";
import { settingsWith } from "../../../../src/cli/doctor/config/yaml/yaml-front.js";
import { inDialect } from "../../../../src/cli/doctor/dialect.js";
import { fault } from "../../../../src/diagnosis/diagnosis-finding.js";

const upstream: ConfiguredUpstream = {
  address: "http://127.0.0.1:8080",
  where: { file: "f", line: 1 },
  context: "service web, port 8080 -> 80",
  settings: settingsWith({}, {}),
  siblings: 0,
};

const found = (cause: string) =>
  fault({ cause, layer: "connect", title: "t", evidence: [], fix: "f", write: "w" });

describe("a next step", () => {
  it.each<[FrontKind, RegExp]>([
    ["nginx", /^proxy_ssl_certificate /],
    ["apache", /^SSLProxyMachineCertificateFile /],
    ["haproxy", /^crt /],
    ["caddy", /tls_client_auth/],
    ["traefik", /serversTransports/],
    ["envoy", /tls_certificates/],
    ["good-gateway", /cert, key/],
  ])("is written as %s writes it", (front, wanted) => {
    const { write = "" } = inDialect(found("client_certificate_required"), front, upstream);
    expect(write).toMatch(wanted);
    expect(/cert, key/.test(write)).toBe(front === "good-gateway");
  });

  it("is not written for a front that cannot do it", () => {
    const told = inDialect(found("client_certificate_required"), "cloudflared", upstream);
    expect(told.write).toBeUndefined();
  });

  it("starts the service of a compose file, and no program", () => {
    const told = inDialect(found("nothing_listens"), "compose", upstream);
    expect(told.write).toBe("docker compose up -d web; docker compose logs --tail 50 web");
    expect(inDialect(found("nothing_listens"), "nginx", upstream).write).toBe("w");
  });

  it("has no placeholder for a host or a port, nor an option of ours, in any cause", () => {
    const folders = ["causes", "rules"].map((one) => `src/cli/doctor/${one}`);
    const lines = folders.flatMap((folder) =>
      readdirSync(folder).flatMap((name) => readFileSync(`${folder}/${name}`, "utf8").split("\n")),
    );
    expect(lines.length).toBeGreaterThan(1_000);
    expect(lines.filter((line) => /\bHOST[: ]PORT\b|with good-gateway:/.test(line))).toEqual([]);
  });
});
