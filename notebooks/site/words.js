// diffusion_lab's words.py and spanish.py, in JavaScript: from what people write to contexts, and back. knowledge: what
// playground.py wrote.

const isNumber = (token) => /^\d*\.?\d+$/.test(token);
const SAID = { en: ["not"], es: ["no", "sin"] }; // before a word that is excluded: the first that makes no other word of it

/** Without accents, as many people type: "pocion". ñ stays (spanish.unaccented). */
const unaccented = (text) => text.replace(/[áéíóúàèìòùü]/g, (letter) => letter.normalize("NFD")[0]);

/** Decimal commas as points: "0,6 comida" (spanish.with_points). */
const withPoints = (text) => text.replace(/(?<![\d.,])(\d+),(\d+)(?!\d|[.,]\d)/g, "$1.$2");

/** What is wrong with a prompt: a text by its name in texts.toml, and what stands in its gaps. */
export class PromptError extends Error {
  constructor(text, gaps) {
    super(text);
    Object.assign(this, { text, gaps });
  }
}

/** The words of the networks in one language (words.Vocabulary, and its words.Reading). */
export class Vocabulary {
  constructor(knowledge, language) {
    Object.assign(this, knowledge, knowledge.languages[language], { language });
    for (const name of ["forms", "after"]) this[name] = new Map(this[name]);
    for (const name of ["fillers", "joins", "nots", "ors", "own"]) this[name] = new Set(this[name]);
  }

  /** Each word of the networks as it is called. text: what is written already; a colour agrees with its last noun. */
  called(text = "") {
    const nouns = [...this.match(this.parts(text))].map(([, place]) => this.names[place]?.agrees ?? null);
    const agrees = nouns.filter((noun) => noun !== null).at(-1) ?? 0;
    return this.names.map(({ forms }) => forms[agrees] ?? forms[0]);
  }

  /** Text as the parts that are compared (words.Reading.tokens). */
  parts(text) {
    return (this.language === "es" ? withPoints(text) : text)
      .toLowerCase()
      .normalize("NFKC")
      .replace(/[_()[\]{}"“”„«»]/g, " ")
      .replace(/[,;!?+&]|\.(?!\S)/g, " $& ")
      .replace(/(?<=\S)-/g, " ")
      .replace(/-/g, " - ")
      .split(/\s+/)
      .filter((token) => token && (!this.fillers.has(token) || this.own.has(token)));
  }

  /** Where the word that these tokens mean stands in a context; undefined if they mean none. Spanish may lack its accents. */
  place(tokens) {
    const form = tokens.join(" ");
    return this.forms.get(form) ?? (this.language === "es" ? this.forms.get(unaccented(form)) : undefined);
  }

  /** Each word of the vocabulary with its place, the longest first; other tokens, one by one, with undefined. */
  *match(tokens) {
    for (let start = 0, end, place; start < tokens.length; start = end) {
      end = Math.min(start + this.longest, tokens.length);
      while (end > start + 1 && this.place(tokens.slice(start, end)) === undefined) end--;
      const follows = place !== undefined, form = tokens.slice(start, end);
      place = this.place(form);
      if (follows) place = this.after.get(form.join(" ")) ?? place;
      yield [tokens[start], place];
    }
  }

  /** Read a prompt (words.Vocabulary.prompt): { wanted, unwanted }, arrays of V numbers; unwanted is null if nothing is. */
  prompt(text) {
    const { fillers, joins, nots, ors } = this, none = this.words.map(() => 0);
    const wanted = [...none], unwanted = [...none];
    let side = wanted, weight = 1, waiting = "";
    for (const [token, place] of [...this.match(this.parts(text)), [".", undefined]]) {
      if (place !== undefined) {
        side[place] = weight;
        [weight, waiting] = [1, ""];
        continue;
      }
      const amount = this.amounts[token] ?? (isNumber(token) ? Number(token) : null);
      if (fillers.has(token) || (ors.has(token) && side === unwanted)) continue;
      if (amount === null && !joins.has(token) && !nots.has(token)) throw this.unknown(token);
      if (waiting && (joins.has(token) || !nots.has(waiting))) {
        throw new PromptError("waiting", { waiting, example: this.called().at(this.language === "es" ? -1 : 0) });
      }
      if (joins.has(token)) side = wanted;
      else if (nots.has(token)) [side, waiting] = [unwanted, token];
      else if (amount > 0 && amount <= this.max_weight) [weight, waiting] = [amount, token];
      else throw new PromptError("weight", { token, most: this.max_weight });
    }
    const both = this.called().find((_, i) => wanted[i] > 0 && unwanted[i] > 0);
    if (both) throw new PromptError("both", { word: both });
    return { wanted, unwanted: unwanted.some((value) => value) ? unwanted : null };
  }

  /**
   * n contexts for a prompt (words.Vocabulary.contexts): descriptions of the data that have all wanted words and no excluded
   * one, drawn as often as they occur; where there are none, and where a weight is not 1, the words as they stand.
   */
  contexts({ wanted, unwanted }, n, generator) {
    const whole = wanted.every((value) => value === 0 || value === 1);
    const fits = this.descriptions
      .map((places, row) => [places, this.counts[row]])
      .filter(([places]) => wanted.every((value, i) => !value || places.includes(i)) && !places.some((i) => unwanted?.[i]));
    if (!whole || !fits.length) return Array.from({ length: n }, () => [...wanted]);
    const sprites = generator.integers(fits.reduce((sum, [, count]) => sum + count, 0), n);
    return sprites.map((sprite) => {
      let upto = 0;
      const [places] = fits.find(([, count]) => sprite < (upto += count));
      return this.words.map((_, i) => (places.includes(i) ? 1 : 0));
    });
  }

  /** A context in words (words.Vocabulary.describe): "red potion spell", "poción roja, hechizo", "hero + 0.6 food". */
  describe(context) {
    const said = this.names.map((name, i) => [name, context[i]]).filter(([, value]) => value);
    if (said.some(([, value]) => value !== 1)) {
      return said.map(([{ forms }, value]) => (value === 1 ? forms[0] : `${Number(value.toPrecision(3))} ${forms[0]}`)).join(" + ");
    }
    const names = said.map(([name]) => name);
    return this.language === "es" ? phrase(names) : names.map(({ forms }) => forms[0]).reverse().join(" ");
  }

  /** A prompt that reads as { wanted, unwanted }. */
  say({ wanted, unwanted }) {
    const excluded = (unwanted ?? []).map((value, i) => (value ? this.describe(unwanted.map((_, j) => (i === j ? value : 0))) : ""));
    const free = (word) => SAID[this.language].find((not) => this.place([not, ...this.parts(word)]) === undefined);
    const parts = excluded.filter(Boolean).map((word) => `${free(word)} ${word}`);
    return [this.describe(wanted), ...parts].filter(Boolean).join(", ");
  }

  unknown(word) {
    const near = this.called().sort((a, b) => distance(word, a) - distance(word, b)).slice(0, 2);
    return new PromptError("unknown", { word, first: near[0], second: near[1] });
  }
}

/** Spanish words as a description, the last noun first; colours agree with it (spanish.phrase). */
function phrase(said) {
  const nouns = said.filter(({ agrees }) => agrees !== null).reverse(), agrees = nouns[0]?.agrees ?? 0;
  const colours = said.filter(({ forms }) => forms.length > 1).map(({ forms }) => forms[agrees]), last = colours.pop() ?? "";
  const first = [...nouns.slice(0, 1).map(({ forms }) => forms[0]), colours.length ? `${colours.join(", ")} y ${last}` : last];
  const phrases = said.filter((name) => name.agrees === null && name.forms.length === 1);
  return [first.filter(Boolean).join(" "), ...[...nouns.slice(1), ...phrases].map(({ forms }) => forms[0])].filter(Boolean).join(", ");
}

/** How many letters must be put in, taken out or changed (Levenshtein 1966). */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
