/**
 * The words and signs of nginx's configuration, with their lines. What a block of Lua holds is no
 * configuration, and is passed over.
 */
export interface NginxToken {
  readonly text: string;
  readonly line: number;
  /** `{`, `}` and `;` outside of quotes. */
  readonly sign: boolean;
  /** Nothing but blanks stands before it in its line. */
  readonly first: boolean;
}

const TOKEN =
  /#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:\$\{[^}]*\}|\\.|[^\s{};"'])+|\s|./gs;

export function nginxTokens(text: string): readonly NginxToken[] {
  const tokens: NginxToken[] = [];
  let line = 1;
  let first = true;
  let depthOfLua = 0;
  for (const [part] of text.matchAll(TOKEN)) {
    const lines = part.split("\n").length - 1;
    if (depthOfLua > 0 && part === "{") depthOfLua += 1;
    if (depthOfLua > 0 && part === "}") depthOfLua -= 1;
    if (/^[^\s#]/.test(part) && depthOfLua === 0) {
      const quoted = /^["'][\s\S]*["']$/.test(part) && part.length > 1;
      const word = quoted ? part.slice(1, -1).replace(/\\(["'\\])/g, "$1") : part;
      if (part === "{" && /_by_lua_block$/.test(lastWord(tokens))) depthOfLua = 1;
      tokens.push({ text: word, line, sign: !quoted && /^[{};]$/.test(part), first });
    }
    if (lines > 0) first = true;
    else if (!/^\s/.test(part)) first = false;
    line += lines;
  }
  return tokens;
}

function lastWord(tokens: readonly NginxToken[]): string {
  const last = tokens.at(-1);
  return last === undefined || last.sign ? "" : last.text;
}
