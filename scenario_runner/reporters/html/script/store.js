// Reads the data of the page: blocks of JSON, deflated and in base64, opened when they are needed.

const CACHE = 12;
const opened = new Map();

function unpacked(id) {
  if (!opened.has(id)) opened.set(id, inflate(document.getElementById(id).textContent));
  const block = opened.get(id);
  opened.delete(id);
  opened.set(id, block);
  if (opened.size > CACHE) opened.delete(opened.keys().next().value);
  return block;
}

async function inflate(base64) {
  const bytes = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

async function blocks(name) {
  const ids = [...document.querySelectorAll(`script[data-block="${name}"]`)].map(({ id }) => id);
  return (await Promise.all(ids.map((id) => inflate(document.getElementById(id).textContent)))).flat();
}

/** Return [facts about the run, rows of scenarios]. */
async function readIndex() {
  const [[facts], rows] = await Promise.all([blocks("facts"), blocks("rows")]);
  learnVerdicts(facts.verdicts);
  facts.files = new Map(facts.files);
  const known = rows.map(asRow);
  if (facts.comparison) for (const row of known) row.name = `${sideOf(row)}: ${row.name}`;
  return [facts, withAttempts(known)];
}

function asRow(fields, number) {
  const [id, name, verdict, took, tookText, tags, values, file, line, why, attempt, place] = fields;
  const row = { number, id, name, verdict, took, tookText, tags, file, line, why, attempt, place };
  row.values = values.map(([key, value]) => `${key} = ${value}`);
  row.searched = [name, file, why, verdict, ...row.values, ...tags].join("\n").toLowerCase();
  return row;
}

/** Of several attempts at one scenario the last stands for it; the others are found from there. */
function withAttempts(rows) {
  const byId = new Map();
  for (const row of rows) {
    row.all = byId.get(row.id)?.all || [];
    row.all.push(row);
    byId.set(row.id, row);
  }
  return rows.filter((row) => byId.get(row.id) === row);
}

async function recordOf(row) {
  const [block, place] = row.place;
  return (await unpacked(`records-${block}`))[place];
}

async function sourceOf(facts, file) {
  const place = facts.files.get(file);
  return place ? (await unpacked(`records-${place[0]}`))[place[1]] : "";
}
