// A text field that suggests words while one writes: a combobox with a list, by mouse, finger and keyboard.

const MOST = 8;

/** suggest: from the last words written, and the whole text, to a list of words. chosen(): called when the text has changed by a choice. */
export function suggestWords(field, list, suggest, chosen) {
  let at = -1;

  /** The text before the word that is being written, and this word. */
  const split = () => field.value.match(/^(.*?)([^\s,;+&]*(?: [^\s,;+&]+)?)$/s).slice(1);

  function close() {
    list.hidden = true;
    at = -1;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  function mark(next) {
    const options = [...list.children];
    at = (next + options.length) % options.length;
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
    options[at].scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", options[at].id);
  }

  function choose(option) {
    const written = option.dataset.written.length;
    field.value = field.value.slice(0, field.value.length - written) + option.textContent;
    close();
    chosen();
  }

  function open() {
    const found = suggest(split()[1], field.value).slice(0, MOST);
    if (!found.length || field.selectionStart !== field.value.length) return close();
    list.replaceChildren(
      ...found.map(({ word, written }, i) => {
        const option = document.createElement("li");
        Object.assign(option, { id: `suggestion-${i}`, textContent: word });
        option.dataset.written = written;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault(); // the field keeps the focus
          choose(option);
        });
        return option;
      }),
    );
    list.hidden = false;
    at = -1;
    field.setAttribute("aria-expanded", "true");
  }

  field.addEventListener("input", open);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (list.hidden) {
      if (event.key === "ArrowDown") open();
      return;
    }
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) mark(at < 0 && move < 0 ? -1 : at + move);
    else if (event.key === "Enter" && at >= 0) choose(list.children[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
}

/** Small letters without accents. */
const bare = (text) => text.toLowerCase().normalize("NFD").replace(/\p{Mark}/gu, "");

/** The words that begin as what was written ends: first those that begin so, then those with such a word inside. */
export function matching(words, written) {
  const tails = [written, written.split(" ").at(-1)].filter((tail) => tail.length);
  if (tails.some((tail) => words.includes(tail.toLowerCase()))) return [];
  for (const tail of tails) {
    const starts = words.filter((word) => bare(word).startsWith(bare(tail)));
    const inside = words.filter((word) => !starts.includes(word) && bare(word).includes(` ${bare(tail)}`));
    if (starts.length + inside.length) return [...starts, ...inside].map((word) => ({ word, written: tail }));
  }
  return [];
}
