// The playground: from the form to sprites.

import { matching, suggestWords } from "./combo.js";
import { Editor } from "./editor.js";
import { Networks } from "./network.js";
import { Generator } from "./random.js";
import { combine, perturb, sample } from "./sampler.js";
import { Stage } from "./stage.js";
import { fill, text } from "./texts.js";
import { PromptError, Vocabulary } from "./words.js";

const WAYS = [
  ["few_steps", "fast", "ddim", [4, 2, 1]],
  ["context_unet", "dpmpp_2m", "dpmpp_2m", [10, 25, 50]],
  ["context_unet", "ddim", "ddim", [10, 25, 50]],
];
const FALLBACK = { not: "context_unet dpmpp_2m 10", own: "context_unet dpmpp_2m 25" };
const HALF = { network: "context_unet", title: "ddpm", sampler: "ddpm", steps: 30 }; // halves that meet need fresh noise
const IDEAS = ["red potion", "knight", "slime, not green", "fried egg", "hero + 0.6 food", "dragon"];
const REST = 350; // milliseconds without a change until a slider draws
const MILLION = 1e6;

const $ = (id) => document.getElementById(id);
const own = () => $("start").value !== "noise";

/** The way that the form asks for: { network, title, sampler, steps }. */
const way = (value = $("way").value) => {
  const [network, sampler, steps] = value.split(" ");
  const title = WAYS.find(([name, , kind]) => name === network && kind === sampler)[1];
  return { network, title, sampler, steps: Number(steps) };
};

/** Words for a number of steps. */
const stepsOf = (steps) => (steps === 1 ? text("evaluation") : text("evaluations", { steps }));

export async function start() {
  fill(document);
  fillForm();
  const knowledge = await (await fetch(new URL("knowledge.json", import.meta.url))).json();
  const vocabulary = new Vocabulary(knowledge);
  const networks = new Networks(knowledge.networks, vocabulary.words, showProgress(knowledge));
  const { height } = knowledge.networks.few_steps;
  const stage = new Stage(height);
  const elements = { canvas: $("editor"), palette: $("palette"), undo: $("undo"), clear: $("clear"), file: $("file"), drop: $("paper") };
  const editor = new Editor(elements, height, say, () => own() && drawSoon());
  let running = null, timer = 0;

  /** Read the form: all that decides a drawing; null, and a sentence in the page, where it cannot be read. */
  function wish() {
    try {
      const prompts = [$("prompt"), ...($("mix").open && $("second").value.trim() ? [$("second")] : [])];
      const read = prompts.map((field) => vocabulary.prompt(field.value));
      const excluded = read.map(({ unwanted }) => unwanted).filter(Boolean);
      const negative = excluded.length ? vocabulary.words.map((_, i) => Math.max(...excluded.map((c) => c[i]))) : null;
      let chosen = way(), note = "";
      if ($("start").value === "half") chosen = HALF;
      else if (chosen.network === "few_steps" && own()) [chosen, note] = [way(FALLBACK.own), text("own_needs_slow")];
      else if (chosen.network === "few_steps" && negative) [chosen, note] = [way(FALLBACK.not), text("not_needs_slow")];
      const guidance = chosen.network === "few_steps" ? 1 : Number($("guidance").value);
      if (negative && guidance === 1) throw new PromptError("not_needs_guidance", {});
      const said = read.map(({ wanted }) => vocabulary.describe(wanted) || text("anything")).join(" / ");
      const gaps = { wanted: said, unwanted: negative && vocabulary.describe(negative) };
      say(`${text(negative ? "reads_not" : said === text("anything") ? "reads_nothing" : "reads", gaps)}. ${note}`);
      const [n, seed, share] = [Number($("number").value), Number($("seed").value), Number($("share").value) / 100];
      return { read, said, negative, ...chosen, guidance, n, seed, share: read.length > 1 ? share : 0, start: $("start").value };
    } catch (error) {
      if (!(error instanceof PromptError)) throw error;
      say(text(error.text, error.gaps), true);
      return null;
    }
  }

  /** The contexts of a wish: those of its prompts, mixed. Draws from the generator as Python does. */
  function contextsOf({ read, n, share }, generator) {
    const [first, second] = read.map((prompt) => vocabulary.contexts(prompt, n, generator));
    return second ? first.map((context, i) => combine(1 - share, context, share, second[i])) : first;
  }

  /** Draw what the form asks for. A drawing that runs is stopped. */
  async function draw() {
    clearTimeout(timer);
    const wanted = wish();
    if (!wanted || !$("seed").reportValidity()) return;
    if (running) running.stopped = true;
    const mine = (running = { stopped: false });
    working(true);
    try {
      const network = await networks.load(wanted.network);
      $("load").hidden = true;
      if (mine.stopped) return;
      const { n, seed, guidance, sampler, steps, negative } = wanted;
      const generator = new Generator(seed), contexts = contextsOf(wanted, generator);
      const noise = () => generator.normal(n * network.size);
      const begin = { start: noise(), contexts, negative, guidance, sampler, steps, noise };
      if (contexts.every((context) => context.every((value) => value === 0)) && !negative) begin.guidance = 1;
      if (wanted.start !== "noise") {
        const sprite = editor.sprite, known = new Float32Array(n * network.size);
        for (let i = 0; i < n; i++) known.set(sprite, i * network.size);
        if (wanted.start === "half") begin.keep = { known, mask: mask(n, height) };
        else begin.from = Number($("strength").value);
        if (begin.from) begin.start = perturb(known, begin.from, begin.start, network.alphaBar);
      }
      const states = [], since = performance.now();
      stage.begin(wanted, network.T);
      for await (const state of sample(network, begin)) {
        if (mine.stopped) return;
        states.push(state);
        stage.show(states);
      }
      const seconds = ((performance.now() - since) / 1000).toFixed(2);
      stage.finish(text("done", { prompt: wanted.said, seed, way: text(wanted.title), steps: stepsOf(steps), seconds }), $("prompt").value);
    } catch (error) {
      console.error(error);
      say(text(stage.drawn ? "failed" : "broken", { why: error.message }), true);
    } finally {
      if (running === mine) {
        running = null;
        working(false);
      }
    }
  }

  const drawSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(draw, REST);
  };

  $("wish").addEventListener("submit", (event) => {
    event.preventDefault();
    draw();
  });
  $("stop").addEventListener("click", () => {
    running.stopped = true;
    running = null;
    working(false);
    stage.stop();
  });
  for (const id of ["number", "seed", "way", "guidance", "start", "strength", "half", "share"]) {
    $(id).addEventListener("input", () => {
      showForm();
      drawSoon();
    });
  }
  suggestWords($("prompt"), $("suggestions"), (written) => matching(vocabulary.words, written), draw);
  for (const id of ["prompt", "second"]) {
    $(id).addEventListener("input", () => ($("suggestions").hidden ? wish() : say(""))); // a word half written is no mistake
  }
  $("second").addEventListener("change", drawSoon);
  $("mix").addEventListener("toggle", () => $("second").value.trim() && drawSoon());
  $("other").addEventListener("click", () => {
    $("seed").value = crypto.getRandomValues(new Uint16Array(1))[0];
    draw();
  });
  const ask = (prompt) => {
    $("prompt").value = prompt;
    draw();
  };
  addIdeas(ask);
  stage.onAnother = () => {
    const others = vocabulary.words.filter((word) => word !== $("prompt").value);
    ask(others[crypto.getRandomValues(new Uint16Array(1))[0] % others.length]);
  };
  stage.onTake = (sprite) => {
    if ($("start").value === "noise") $("start").value = "own";
    showForm();
    editor.sprite = sprite;
    $("own").scrollIntoView({ block: "nearest" });
  };
  stage.link = () => `${location.href.split("#")[0]}#${new URLSearchParams(formValues())}`;
  const follow = () => {
    readLink();
    showForm();
    draw();
  };
  addEventListener("hashchange", follow);
  $("draw").disabled = false;
  follow();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("offline.js").catch(() => {}); // some hosts forbid it
  return { networks, vocabulary, draw, stage };
}

/** 1 at each number of the pixels that are kept, in n pictures. */
function mask(n, height) {
  const kept = { left: (x) => x < height / 2, right: (x) => x >= height / 2, top: (_, y) => y < height / 2, bottom: (_, y) => y >= height / 2 };
  const keep = kept[$("half").value];
  return Uint8Array.from({ length: 3 * n * height * height }, (_, i) => keep(i % height, Math.floor(i / height) % height));
}

function say(sentence, wrong = false) {
  $("said").textContent = sentence;
  $("said").classList.toggle("wrong", wrong);
  $("prompt").setAttribute("aria-invalid", String(wrong));
}

function working(on) {
  $("stop").hidden = !on;
  $("stage").setAttribute("aria-busy", String(on));
}

/** Tell how much of runtime and networks has come. */
function showProgress({ networks, runtime_bytes: runtime }) {
  let have = 0, all = runtime + networks.few_steps.bytes;
  return (bytes) => {
    have += bytes;
    if (have > all) all = runtime + Object.values(networks).reduce((sum, network) => sum + network.bytes, 0);
    Object.assign($("bytes"), { max: all, value: have });
    const gaps = { have: (have / MILLION).toFixed(1), all: (all / MILLION).toFixed(1) };
    $("load-label").textContent = have < all ? text("loading", gaps) : text("compiling");
    $("load").hidden = false;
  };
}

function fillForm() {
  for (const [network, title, sampler, counts] of WAYS) {
    const group = document.createElement("optgroup");
    group.label = text(title);
    for (const steps of counts) group.append(new Option(`${text(title)}, ${stepsOf(steps)}`, `${network} ${sampler} ${steps}`));
    $("way").append(group);
  }
  $("prompt").placeholder = text("anything");
  $("ideas").setAttribute("aria-label", text("ideas"));
  showForm();
}

function addIdeas(ask) {
  for (const idea of IDEAS) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: idea });
    button.addEventListener("click", () => ask(idea));
    $("ideas").append(button);
  }
}

/** Show what belongs to the choices, and the values of the sliders. */
function showForm() {
  const fast = way().network === "few_steps" && !own();
  $("guidance").disabled = fast;
  $("guidance-label").textContent = fast ? text("guidance_built_in") : text("guidance", { value: $("guidance").value });
  $("way").disabled = $("start").value === "half";
  $("own").hidden = !own();
  $("with-noise").hidden = $("start").value !== "own";
  $("with-half").hidden = $("start").value !== "half";
  $("strength-label").textContent = text("strength", { t: $("strength").value, T: $("strength").max });
  $("share-label").textContent = text("mix_share", { value: $("share").value });
}

/** What a link holds. */
function formValues() {
  const values = { prompt: $("prompt").value, seed: $("seed").value, n: $("number").value, way: $("way").value, guidance: $("guidance").value };
  if ($("mix").open && $("second").value.trim()) Object.assign(values, { mix: $("second").value, share: $("share").value });
  return values;
}

/** Fill the form from the link; what does not fit is left as it is. */
function readLink() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const names = { prompt: "prompt", seed: "seed", n: "number", way: "way", guidance: "guidance", mix: "second", share: "share" };
  $("prompt").value ||= asked.has("prompt") ? "" : "red potion";
  for (const [name, id] of Object.entries(names)) {
    if (!asked.has(name)) continue;
    const before = $(id).value;
    $(id).value = asked.get(name);
    if ($(id).value === "" && name !== "prompt") $(id).value = before; // a choice or a number that is not there
  }
  $("mix").open = $("mix").open || asked.has("mix");
}

window.playground = start();
