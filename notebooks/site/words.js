// diffusion_lab's words.py, in JavaScript: from what people write to contexts. knowledge: what playground.py wrote.

const isNumber = (token) => /^\d*\.?\d+$/.test(token);

/** What is wrong with a prompt: a text by its name in texts.toml, and what stands in its gaps. */
export class PromptError extends Error {
  constructor(text, gaps) {
    super(text);
    Object.assign(this, { text, gaps });
  }
}

export class Vocabulary {
  constructor(knowledge) {
    Object.assign(this, knowledge);
    this.index = new Map(knowledge.forms.map(([tokens, place]) => [tokens.join(" "), place]));
    this.longest = Math.max(...knowledge.forms.map(([tokens]) => tokens.length));
    this.sets = Object.fromEntries(["fillers", "joins", "nots"].map((name) => [name, new Set(knowledge[name])]));
  }

  /** Text as the parts that are compared (words.parts_of). */
  parts(text) {
    return text
      .toLowerCase()
      .normalize("NFKC")
      .replace(/[_()[\]{}"“”„«»]/g, " ")
      .replace(/[,;!?+&]|\.(?!\S)/g, " $& ")
      .replace(/(?<=\S)-/g, " ")
      .replace(/-/g, " - ")
      .split(/\s+/)
      .filter((token) => token && !this.sets.fillers.has(token));
  }

  /** Each word of the vocabulary with its place, the longest first; other tokens, one by one, with undefined. */
  *match(tokens) {
    for (let start = 0, end; start < tokens.length; start = end) {
      end = Math.min(start + this.longest, tokens.length);
      while (end > start + 1 && !this.index.has(tokens.slice(start, end).join(" "))) end--;
      yield [tokens[start], this.index.get(tokens.slice(start, end).join(" "))];
    }
  }

  /** Read a prompt (words.Vocabulary.prompt): { wanted, unwanted }, arrays of V numbers; unwanted is null if nothing is. */
  prompt(text) {
    const { joins, nots } = this.sets, none = this.words.map(() => 0);
    const wanted = [...none], unwanted = [...none];
    let side = wanted, weight = 1, waiting = "";
    for (const [token, place] of [...this.match(this.parts(text)), [".", undefined]]) {
      if (place !== undefined) {
        side[place] = weight;
        [weight, waiting] = [1, ""];
        continue;
      }
      const amount = this.amounts[token] ?? (isNumber(token) ? Number(token) : null);
      if ((token === "or" || token === "nor") && side === unwanted) continue;
      if (amount === null && !joins.has(token) && !nots.has(token)) throw this.unknown(token);
      if (waiting && (joins.has(token) || !nots.has(waiting))) {
        throw new PromptError("waiting", { waiting, example: this.words[0] });
      }
      if (joins.has(token)) side = wanted;
      else if (nots.has(token)) [side, waiting] = [unwanted, token];
      else if (amount > 0 && amount <= this.max_weight) [weight, waiting] = [amount, token];
      else throw new PromptError("weight", { token, most: this.max_weight });
    }
    const both = this.words.find((_, i) => wanted[i] > 0 && unwanted[i] > 0);
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

  /** A context in words, the last first, as they are said: "red potion spell". */
  describe(context) {
    const said = this.words.map((word, i) => [word, context[i]]).filter(([, value]) => value);
    if (said.every(([, value]) => value === 1)) return said.map(([word]) => word).reverse().join(" ");
    return said.map(([word, value]) => (value === 1 ? word : `${Number(value.toPrecision(3))} ${word}`)).join(" + ");
  }

  unknown(word) {
    const near = [...this.words].sort((a, b) => distance(word, a) - distance(word, b)).slice(0, 2);
    return new PromptError("unknown", { word, first: near[0], second: near[1] });
  }
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
