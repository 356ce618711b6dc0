// Builds elements. Text from a file or a PBX only ever becomes a text node or an attribute's value.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: h("p.soft", {title: "…"}, "text", otherElement, null, [more]). */
function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElement(tag), classes.join(" "), attributes, children);
}

function s(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), "", attributes, children);
}

function filled(element, classes, attributes, children) {
  if (classes) element.setAttribute("class", classes);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== undefined) {
      element.setAttribute(name, name === "title" ? visible(value) : value);
    }
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === "") continue;
    element.append(typeof child === "string" ? visible(child) : child);
  }
  return element;
}

/** Make control characters visible, and those that turn the direction of text around. */
function visible(text) {
  return text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").replace(
    /(?![\n\u200d])[\p{C}\p{Zl}\p{Zp}]|[^\P{Zs} ]/gu, (letter) => {
      const code = letter.codePointAt(0).toString(16);
      if (letter === "\r") return "\\r";
      if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
      return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
    });
}

/** What is known of each verdict: its mark, how grave it is, whether it tells what went wrong. */
const VERDICTS = new Map();

function learnVerdicts(known) {
  for (const [verdict, mark, gravity, bad] of known) VERDICTS.set(verdict, { mark, gravity, bad });
}

function badge(verdict) {
  const kind = verdict.replace(" ", "-");
  return h("span", { class: `badge ${kind}`, role: "img", "aria-label": verdict, title: verdict },
    h("i", { "aria-hidden": "true" }, VERDICTS.get(verdict).mark));
}

function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

const ADDRESS = /https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/g;

/** Return text with its addresses as links: the ticket that a known failure names. */
function linked(text) {
  const parts = [];
  let done = 0;
  for (const found of text.matchAll(ADDRESS)) {
    parts.push(text.slice(done, found.index),
      h("a", { href: found[0], rel: "noreferrer noopener" }, found[0]));
    done = found.index + found[0].length;
  }
  return [...parts, text.slice(done)];
}

/** A button that puts text into the clipboard. */
function copyButton(text, label) {
  return h("button.copy", {
    type: "button",
    click: async (event) => {
      const button = event.currentTarget;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Select it and press Ctrl+C";
      }
      setTimeout(() => { button.textContent = label; }, 1600);
    },
  }, label);
}

/** A command to copy. */
function command(text, label = "Copy") {
  return h("div.command", {}, h("pre", { tabindex: 0 }, text), copyButton(text, label));
}
