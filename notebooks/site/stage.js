// What was drawn: every step of it, with a slider; files of it; and the drawings before.

import { draw, gif, png, sheet } from "./pictures.js";
import { text } from "./texts.js";

const SCALE = 16, SCALE_GIF = 10, KEPT = 6;
const BUTTONS = ["moment", "png", "gif", "link", "same", "take"];
const $ = (id) => document.getElementById(id);
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Stage {
  constructor(height) {
    this.height = height;
    this.states = []; // of the drawing that is seen; `wanted` is what it was asked for
    $("moment").addEventListener("input", () => this.#paint(Number($("moment").value)));
    $("png").addEventListener("click", async () => this.#save(await png(this.#sheet(this.seen.x), SCALE), "png"));
    $("gif").addEventListener("click", () => this.#save(gif(this.states.map(({ x }) => this.#sheet(x)), SCALE_GIF), "gif"));
    $("link").addEventListener("click", () => this.#copyLink());
    $("same").addEventListener("click", () => this.onAnother());
    $("take").addEventListener("click", () => this.#take());
  }

  /** The state that the slider shows. */
  get seen() {
    return this.states[Number($("moment").value)];
  }

  /** A drawing begins; what is seen stays, paler, until its first step. */
  begin() {
    $("done").textContent = text("drawing");
    $("pictures").classList.add("old");
    for (const id of BUTTONS) $(id).disabled = true;
  }

  /** Show the last of the states so far; where motion is not wanted, only the finished drawing. wanted: see app.js. */
  show(states, wanted, T) {
    Object.assign(this, { states, wanted, T });
    const last = states.length - 1;
    $("moment").max = wanted.steps;
    $("which").max = wanted.n;
    if (!still.matches || states[last].t === 0) this.#paint(last);
  }

  finish(sentence) {
    this.stop();
    $("done").textContent = sentence;
    history.replaceState(null, "", this.wanted.link);
    this.#remember();
  }

  /** The drawing ends before its time. */
  stop() {
    $("done").textContent = text("stopped");
    $("pictures").classList.remove("old");
    if (!this.states.length) return;
    $("moment").max = this.states.length - 1;
    this.#paint(this.states.length - 1);
    for (const id of BUTTONS) $(id).disabled = false;
  }

  #sheet(x) {
    const columns = this.wanted.n < 8 ? Math.ceil(Math.sqrt(this.wanted.n)) : 4;
    return sheet(x, this.height, columns);
  }

  #paint(k) {
    const { t, x, x0 } = this.states[k], gaps = { t, n: this.wanted.n, prompt: this.wanted.prompt };
    for (const [id, pictures, name] of [["picture", x, "picture_of"], ["belief", x0, "belief_of"]]) {
      draw($(id), this.#sheet(pictures));
      $(id).setAttribute("aria-label", text(name, gaps));
    }
    $("pictures").classList.remove("old");
    $("moment").value = k;
    $("time").textContent = text("moment_at", { t, T: this.T });
    $("moment").setAttribute("aria-valuetext", $("time").textContent);
  }

  #save(blob, ending) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${this.wanted.prompt.replace(/[^\p{L}\p{N}]+/gu, "_")}_${this.wanted.seed}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async #copyLink() {
    history.replaceState(null, "", this.wanted.link);
    try {
      await navigator.clipboard.writeText(location.href);
      $("done").textContent = text("link_copied");
    } catch {
      $("done").textContent = text("link_here"); // some browsers give no access to the clipboard
    }
  }

  #take() {
    const size = 3 * this.height ** 2, which = Math.min(this.wanted.n, Math.max(1, Math.floor($("which").value) || 1));
    $("which").value = which;
    this.onTake(this.seen.x.slice((which - 1) * size, which * size));
  }

  #remember() {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas"), link = document.createElement("a");
    draw(canvas, this.#sheet(this.states.at(-1).x));
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", text("picture_of", { n: this.wanted.n, prompt: this.wanted.prompt, t: 0 }));
    Object.assign(link, { href: this.wanted.link, textContent: this.wanted.name });
    const caption = document.createElement("figcaption");
    caption.append(link);
    figure.append(canvas, caption);
    $("drawings").prepend(figure);
    while ($("drawings").children.length > KEPT) $("drawings").lastChild.remove();
    $("before").hidden = $("drawings").children.length < 2;
  }
}
