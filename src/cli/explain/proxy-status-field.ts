/**
 * Reads a Proxy-Status field (RFC 9209): a list of items with parameters (RFC 8941 §3.1).
 *
 * It is read for a person, so what is not quite valid is read as far as it goes.
 */
export interface ProxyStatusMember {
  /** The proxy that wrote it. */
  readonly proxy: string;
  readonly parameters: ReadonlyMap<string, string>;
}

// RFC 8941 §3.3.3 and §3.3.4: a string, or a token or number up to the next delimiter.
const VALUE = /^\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,="]+))/;
const PARAMETER = /^\s*;\s*([A-Za-z*][\w\-.*]*)\s*(=)?/;

/** The members in the order of the field: nearest to the origin first. */
export function readProxyStatus(field: string): readonly ProxyStatusMember[] {
  const members: ProxyStatusMember[] = [];
  let rest = field.trim();
  while (rest !== "") {
    const [whole, quoted, bare] = VALUE.exec(rest) ?? [];
    if (whole === undefined) break;
    rest = rest.slice(whole.length);
    const parameters = new Map<string, string>();
    for (let read = PARAMETER.exec(rest); read !== null; read = PARAMETER.exec(rest)) {
      rest = rest.slice(read[0].length);
      const value = read[2] === undefined ? null : VALUE.exec(rest);
      if (value !== null) rest = rest.slice(value[0].length);
      parameters.set(read[1] ?? "", value === null ? "true" : unquoted(value[1] ?? value[2] ?? ""));
    }
    members.push({ proxy: unquoted(quoted ?? bare ?? ""), parameters });
    // What cannot be read is passed over, up to the next member.
    rest = rest.replace(/^[^,]*,?\s*/, "");
  }
  return members;
}

function unquoted(text: string): string {
  return text.replace(/\\(.)/g, "$1");
}

/** A route is a method and a path, and `(websocket)` for an upgrade. */
const PART = /(\w+)=((?<=\broute=)[A-Z]+ [^\s"\\]+(?: \(\w+\))?|\S+)/g;

/** The parts of our own `details`: `code=… blame=… attempts=…`. */
export function readDetails(details: string): ReadonlyMap<string, string> {
  return new Map([...details.matchAll(PART)].map(([, name = "", value = ""]) => [name, value]));
}

/** A refusal of one route says so, and to those who are trusted, which. */
export function routeInWords(details: ReadonlyMap<string, string>): readonly string[] {
  const route = details.get("route");
  if (route === undefined && details.get("scope") !== "route") return [];
  const refused = route === undefined ? "the route of this call is refused" : `${route} is refused`;
  return [`Only ${refused}, since its calls failed; all else is sent to the upstream.`];
}
