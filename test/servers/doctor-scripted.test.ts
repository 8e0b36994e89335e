/**
 * The doctor and fronts that are no packages of this system: a process with the name and the
 * options of Traefik or Envoy answers as they do, and what its real configuration names is asked.
 */
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runDoctor } from "./tools/doctor.js";
import { doctorFolder } from "./tools/doctor-folder.js";
import { freePort, listening, quietPort } from "./tools/processes.js";
import { describeWith } from "./tools/programs.js";
import { stageIn } from "./tools/stage.js";

const MINUTES = 120_000;

const root = doctorFolder("scripted");
interface Front {
  readonly name: string;
  /** The option with its file. */
  readonly option: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly config: (port: number, behind: number) => string;
}

const FRONTS: readonly Front[] = [
  {
    name: "traefik",
    option: "--providers.file.filename",
    status: 502,
    fields: {},
    config: (_, behind) => `http:
  routers: { shop: { rule: "PathPrefix(\`/\`)", service: shop } }
  services:
    shop: { loadBalancer: { servers: [{ url: "http://127.0.0.1:${behind}" }] } }
`,
  },
  {
    name: "envoy",
    option: "-c",
    status: 503,
    fields: { server: "envoy" },
    config: (port, behind) => `static_resources:
  listeners:
    - address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                route_config:
                  virtual_hosts:
                    - domains: ["*"]
                      routes: [{ match: { prefix: "/" }, route: { cluster: shop } }]
  clusters:
    - name: shop
      load_assignment:
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address: { socket_address: { address: 127.0.0.1, port_value: ${behind} } }
`,
  },
];

const ANSWER = `const [, , , , port, status, fields] = process.argv;
require("node:http").createServer((_, response) => response.writeHead(status, JSON.parse(fields))
  .end("Bad Gateway")).listen(Number(port), "127.0.0.1");`;

describeWith(["sh"], "the doctor and a scripted front", () => {
  it.each(FRONTS)("$name: nothing listens behind it", { timeout: MINUTES }, async (front) => {
    const { name, option, status, fields, config } = front;
    const stage = stageIn(root(), name);
    const [port, behind] = [await freePort(), await quietPort()];
    const program = join(stage.folder, name);
    symlinkSync(process.execPath, program);
    const script = stage.write("answer.cjs", ANSWER);
    const file = stage.write(`${name}.yaml`, config(port, behind));
    const words = [option, file, `${port}`, `${status}`, JSON.stringify(fields)];
    stage.started(program, [script, ...words]);
    await listening(port);
    const { report } = await runDoctor([`http://127.0.0.1:${port}/cart`]);
    const { layer, cause, evidence, title } = report.verdict;
    expect([layer, cause], title).toEqual(["connect", "nothing_listens"]);
    expect(title).toContain(`${behind}`);
    expect(evidence.join()).toMatch(new RegExp(`is ${name} \\(pid \\d+\\), which asks`));
    await stage.end();
  });
});
