// Dragging a call onto a slot, or a slot onto a call: tells the page what was dropped on what.
// Everything that is dragged can also be done by buttons and keys.
const KIND = (text) => text.split(":")[0];
const TAKES = { call: ["slot"], slot: ["call", "ext"] };
let dragged = "";
let over = null;

function goal(event) {
  const element = event.target.closest?.("[data-drop]");
  if (!element || !dragged) return null;
  return TAKES[KIND(dragged)].includes(KIND(element.dataset.drop)) ? element : null;
}

function leave() {
  over?.classList.remove("over");
  over = null;
}

document.addEventListener("dragstart", (event) => {
  const element = event.target.closest?.("[data-drag]");
  dragged = element?.dataset.drag ?? "";
  if (!dragged) return;
  event.dataTransfer.setData("text/plain", dragged);
  event.dataTransfer.effectAllowed = "move";
  document.body.classList.add(`dragging-${KIND(dragged)}`);
});

document.addEventListener("dragover", (event) => {
  const element = goal(event);
  if (!element) return;
  event.preventDefault();
  if (element === over) return;
  leave();
  over = element;
  over.classList.add("over");
  emitEvent("lot-over", { from: dragged, onto: element.dataset.drop });
});

document.addEventListener("drop", (event) => {
  const element = goal(event);
  if (!element) return;
  event.preventDefault();
  emitEvent("lot-drop", { from: dragged, onto: element.dataset.drop });
});

document.addEventListener("dragend", () => {
  leave();
  dragged = "";
  document.body.classList.remove("dragging-call", "dragging-slot");
});

// Quasar's layout takes the focus when an empty place is clicked, and the page's keys were dead then.
document.addEventListener(
  "pointerdown",
  () => document.querySelector(".q-layout")?.removeAttribute("tabindex"),
  { capture: true },
);
