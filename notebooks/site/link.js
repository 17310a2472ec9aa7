// A link holds what decides a drawing: after the #, which browsers send to no server.

const $ = (id) => document.getElementById(id);

// The names in the link, and the fields of the page.
const FIELDS = {
  prompt: "prompt", seed: "seed", n: "number", way: "way", guidance: "guidance", mix: "second", share: "share",
  start: "start", noise: "strength", half: "half",
};

/** What a link holds: the choices and, where it counts, the sprite of one's own as a PNG in letters. */
export function linkOf(editor) {
  const names = ["prompt", "seed", "n", "way", "guidance"];
  if ($("mix").open && $("second").value.trim()) names.push("mix", "share");
  const own = $("start").value !== "noise";
  if (own) names.push("start", "noise", "half");
  const values = names.map((name) => [name, $(FIELDS[name]).value]);
  return new URLSearchParams(own ? [...values, ["own", editor.letters]] : values);
}

/** The link of a drawing as another language says it: its prompts are written by `write(prompt)`, the rest stays. */
export function translated(link, write) {
  const asked = new URLSearchParams(link.slice(1));
  for (const name of ["prompt", "mix"]) if (asked.has(name)) asked.set(name, write(asked.get(name)));
  return [...asked].length ? `#${asked}` : "";
}

/** Fill the form from the link, or with the `first` prompt; what does not fit is left as it is. Gives the names of what was left out. */
export async function readLink(editor, first) {
  const asked = new URLSearchParams(location.hash.slice(1)), left = [];
  if (![...asked].length) {
    $("prompt").value ||= first;
    return left;
  }
  for (const [name, id] of Object.entries(FIELDS)) {
    const before = $(id).value;
    if (asked.has(name)) $(id).value = asked.get(name);
    if (asked.has(name) && $(id).value === asked.get(name)) continue;
    if (asked.has(name)) left.push(name);
    $(id).value = { prompt: "", mix: "", start: "noise" }[name] ?? before;
  }
  $("mix").open = asked.has("mix");
  if (asked.has("own") && !(await editor.read(asked.get("own")))) left.push("own");
  return left;
}
