/**
 * Commands that the advice names, with the real target in them and a button that copies. What came
 * from a request is quoted, so that a shell takes it as one word.
 */
export const COMMANDS = String.raw`
const SAFE_WORD = /^[\w@%+=:,./-]+$/;
const quoted = (word) => SAFE_WORD.test(word) ? word
  : "'" + word.replaceAll("'", "'\\''") + "'";
const real = (command, url) => {
  if (!url) return command;
  const { hostname, port, host, protocol } = new URL(url);
  const at = port ? host : host + (protocol === "https:" ? ":443" : ":80");
  return command.replace("http://HOST:PORT/", () => quoted(url))
    .replace("HOST:PORT", () => quoted(at)).replace("NAME", () => quoted(hostname))
    .replace(/\bURL\b/, () => quoted(url));
};
const copy = async (text, node) => {
  // Only pages of https and of this machine have a clipboard; others copy what is selected.
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  getSelection().selectAllChildren(node);
  if (!document.execCommand("copy")) throw new Error("not allowed");
};
const COPIED_MS = 2000;
const commandNode = (text) => {
  const code = h("code", {}, text);
  const button = h("button", { type: "button", class: "copy", "aria-label": "Copy " + text,
    "data-k": "copy " + text }, "Copy");
  button.addEventListener("click", () => {
    copy(text, code).then(() => "Copied", () => "Select it, and copy").then((said) => {
      setText(button, said);
      setText(byId("say"), said);
      setTimeout(() => setText(button, "Copy"), COPIED_MS);
    });
  });
  return h("span", { class: "cmd" }, code, button);
};
// Text with its commands; a name in marks has no blank and is none.
const advice = (text, url) => (text.startsWith("good-gateway ") ? ["", text]
  : text.split("\`")).map((part, i) => i % 2 === 0 ? part
    : part.includes(" ") ? commandNode(real(part, url)) : h("code", {}, part));
const adviceOf = (item, url) => [...item.childNodes].map((node) => node.nodeType === 3 ? node.data
  : node.textContent.includes(" ") ? commandNode(real(node.textContent, url))
    : h("code", {}, node.textContent));
const doctorLine = (url) => h("p", {}, h("b", {}, "From this machine: "),
  commandNode("good-gateway doctor " + quoted(url)));
`;
