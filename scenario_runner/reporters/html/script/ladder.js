// Draws a ladder: the shapes are laid out already, see scenario_runner.reporters.ladder.drawing.

const SMALLEST = 0.87;
const IN_FRONT = ["bar", "gap"];

/** Return an svg element that shows the drawing [width, height, boxes, lines, heads, words]. */
function ladderSvg([width, height, boxes, lines, heads, words]) {
  const isInFront = ([kind]) => IN_FRONT.includes(kind);
  const element = s("svg", {
    class: "ladder", width, height, viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "Ladder diagram",
  }, s("rect", { class: "sheet", width, height }),
  boxes.filter((shape) => !isInFront(shape)).map(box), lines.map(line),
  boxes.filter(isInFront).map(box), heads.map(arrowHead), words.map(label));
  element.style.maxWidth = `${width}px`;
  element.style.minWidth = `${Math.round(width * SMALLEST)}px`;
  return element;
}

function box([kind, x, y, width, height, step]) {
  return s("rect", { class: kind, x, y, width, height, rx: 3, "data-step": step || null });
}

function line([kind, x1, y1, x2, y2, step]) {
  return s("line", { class: kind, x1, y1, x2, y2, "data-step": step || null });
}

function arrowHead([kind, x, y, way, step]) {
  const back = x - 8 * way;
  const points = `${x},${y} ${back},${y - 4} ${back},${y + 4}`;
  return s("polygon", { class: kind, points, "data-step": step || null });
}

function label([kind, x, y, anchor, text, full, step]) {
  return s("text", { class: kind, x, y, "text-anchor": anchor, "data-step": step || null },
    text, full ? s("title", {}, full) : null);
}
