/**
 * Which format a YAML file is of, and the reader of that format. What stands in the file decides;
 * its name does so only where the file is broken.
 */
import { basename } from "node:path";
import type { FrontConfig } from "../config/front-config.js";
import { cloudflared } from "../config/yaml/cloudflared.js";
import type { ReadMounted } from "../config/yaml/compose-links.js";
import { variablesBeside } from "../config/yaml/compose-services.js";
import { envoy } from "../config/yaml/envoy.js";
import { traefik } from "../config/yaml/traefik.js";
import { readYaml } from "../config/yaml/yaml-file.js";
import { yamlFront } from "../config/yaml/yaml-front.js";
import { compose } from "./compose.js";
import { kubernetes } from "./kubernetes.js";

const COMPOSE_NAME = /^(?:docker-)?compose\b/;

/** Null for a file of another kind. */
export async function readYamlConfig(
  file: string,
  text: string,
  readOther: ReadMounted,
): Promise<FrontConfig | null> {
  const yaml = await readYaml(file, text, await variablesBeside(file));
  const known =
    kubernetes(yaml) ??
    (await compose(file, yaml, readOther)) ??
    envoy(yaml) ??
    (await traefik(yaml, readOther)) ??
    cloudflared(yaml);
  if (known !== null) return known;
  // A broken file is one of the format that its name says.
  const broken = yaml.problems.length > 0 && COMPOSE_NAME.test(basename(file));
  return broken ? yamlFront("compose", { problems: yaml.problems }) : null;
}
