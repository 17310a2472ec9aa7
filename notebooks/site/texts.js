// The texts of the page, in its language: playground.py has written them into it, from texts.toml.

const ROWS = JSON.parse(document.getElementById("texts").textContent);

/** The code of the page's language, "en". */
export const LANGUAGE = document.documentElement.lang;

/** A text by its name, its gaps filled. */
export function text(name, gaps = {}) {
  const row = ROWS[name];
  if (row === undefined) throw new Error(`texts.toml has no ${name}`);
  return row.replace(/\{(\w+)\}/g, (_, gap) => gaps[gap]);
}
