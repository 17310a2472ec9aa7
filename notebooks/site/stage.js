// What was drawn: every step of it, with a slider; files of it; and the drawings before.

import { draw, gif, png, sheet } from "./pictures.js";
import { text } from "./texts.js";

const SCALE = 16, SCALE_GIF = 10, KEPT = 6;
const $ = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Stage {
  constructor(height) {
    this.height = height;
    this.drawn = false;
    this.states = [];
    $("moment").addEventListener("input", () => this.#paint(Number($("moment").value)));
    $("png").addEventListener("click", async () => this.#save(await png(this.#sheets().at(-1), SCALE), "png"));
    $("gif").addEventListener("click", () => this.#save(gif(this.#sheets(), SCALE_GIF), "gif"));
    $("link").addEventListener("click", () => this.#copyLink());
    $("same").addEventListener("click", () => this.onAnother());
    $("take").addEventListener("click", () => this.#take());
  }

  /** A drawing begins. wanted: what app.js read from the form. */
  begin(wanted, T) {
    Object.assign(this, { wanted, T });
    $("done").textContent = text("drawing");
    $("moment").max = wanted.steps;
    $("which").max = wanted.n;
    for (const id of ["moment", "png", "gif", "link", "same", "take"]) $(id).disabled = true;
  }

  /** Show the last of the states so far; where motion is not wanted, only the finished drawing. */
  show(states) {
    this.states = states;
    const last = states.length - 1;
    if (!still.matches || states[last].t === 0) this.#paint(last);
  }

  finish(sentence, prompt) {
    this.drawn = true;
    $("done").textContent = sentence;
    for (const id of ["moment", "png", "gif", "link", "same", "take"]) $(id).disabled = false;
    this.#remember(prompt);
  }

  stop() {
    $("done").textContent = text("stopped");
    $("moment").disabled = !this.states.length;
    $("moment").max = Math.max(0, this.states.length - 1);
  }

  #columns() {
    return this.wanted.n < 8 ? Math.ceil(Math.sqrt(this.wanted.n)) : 4;
  }

  #sheets() {
    return this.states.map(({ x }) => sheet(x, this.height, this.#columns()));
  }

  #paint(k) {
    const { t, x, x0 } = this.states[k], gaps = { t, n: this.wanted.n, prompt: this.wanted.said };
    for (const [id, pictures, name] of [["picture", x, "picture_of"], ["belief", x0, "belief_of"]]) {
      draw($(id), sheet(pictures, this.height, this.#columns()));
      $(id).setAttribute("aria-label", text(name, gaps));
    }
    $("moment").value = k;
    $("time").textContent = text("moment_at", { t, T: this.T });
    $("moment").setAttribute("aria-valuetext", $("time").textContent);
  }

  #save(blob, ending) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.wanted.said.replace(/[^\p{L}\p{N}]+/gu, "_")}_${this.wanted.seed}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async #copyLink() {
    const link = this.link();
    history.replaceState(null, "", link);
    try {
      await navigator.clipboard.writeText(link);
      $("done").textContent = text("link_copied");
    } catch {
      $("done").textContent = text("link_here"); // some browsers give no access to the clipboard
    }
  }

  #take() {
    const size = 3 * this.height ** 2, which = Math.min(this.wanted.n, Math.max(1, Number($("which").value) || 1));
    this.onTake(this.states.at(-1).x.slice((which - 1) * size, which * size));
  }

  #remember(prompt) {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas"), link = document.createElement("a");
    draw(canvas, this.#sheets().at(-1));
    canvas.setAttribute("role", "img");
    const gaps = { prompt: prompt.trim() || text("anything"), seed: this.wanted.seed };
    canvas.setAttribute("aria-label", text("picture_of", { n: this.wanted.n, prompt: this.wanted.said, t: 0 }));
    Object.assign(link, { href: this.link(), textContent: text("prompt_of", gaps) });
    const caption = document.createElement("figcaption");
    caption.append(link);
    figure.append(canvas, caption);
    $("drawings").prepend(figure);
    while ($("drawings").children.length > KEPT) $("drawings").lastChild.remove();
    $("before").hidden = $("drawings").children.length < 2;
  }
}
