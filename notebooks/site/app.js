// The playground: from the form to sprites.

import { matching, suggestWords } from "./combo.js";
import { Editor } from "./editor.js";
import { linkOf, readLink, translated } from "./link.js";
import { Networks } from "./network.js";
import { Generator } from "./random.js";
import { combine, perturb, sample } from "./sampler.js";
import { Stage } from "./stage.js";
import { LANGUAGE, text } from "./texts.js";
import { PromptError, Vocabulary } from "./words.js";

const WAYS = [
  ["few_steps", "fast", "ddim", [4, 2, 1]],
  ["context_unet", "dpmpp_2m", "dpmpp_2m", [10, 25, 50]],
  ["context_unet", "ddim", "ddim", [10, 25, 50]],
];
const FALLBACK = { not: "context_unet dpmpp_2m 10", own: "context_unet dpmpp_2m 25" };
const HALF = { network: "context_unet", title: "ddpm", sampler: "ddpm", steps: 30 }; // halves that meet need fresh noise
const IDEAS = [ // said in the page's language; the first is drawn where no link asks for anything
  "red potion", "knight", "slime, not green", "fried egg", "hero + 0.6 food", "ghost",
];
const REST = 350; // milliseconds without a change until a slider draws
const MILLION = 1e6;
const NARROW = "(max-width: 52rem)"; // as in playground.css: there the picture lies below the prompt

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

/** Build the page. */
async function start() {
  fillForm();
  const knowledge = await (await fetch(new URL("knowledge.json", import.meta.url))).json();
  const vocabulary = new Vocabulary(knowledge, LANGUAGE), ideas = IDEAS.map((idea) => vocabulary.say(vocabulary.prompt(idea)));
  const networks = new Networks(knowledge.networks, showProgress(knowledge));
  const { height } = knowledge.networks.few_steps;
  const stage = new Stage(height);
  const elements = { canvas: $("editor"), palette: $("palette"), undo: $("undo"), clear: $("clear"), file: $("file"), drop: $("paper") };
  const editor = new Editor(elements, height, (sentence) => say(sentence, true));
  let running = null, timer = 0;

  /** Read one of the two prompts; null, and a sentence beside it, where it cannot be read. */
  function read(field) {
    try {
      return vocabulary.prompt(field.value);
    } catch (error) {
      if (!(error instanceof PromptError)) throw error;
      const sentence = text(error.text, error.gaps);
      if (field === $("prompt")) say(sentence, true);
      else say(text("second_wrong", { sentence }), true, $("second-said"));
      return null;
    }
  }

  /** Read the form: all that decides a drawing; null, and a sentence in the page, where it cannot be read. */
  function wish() {
    say("", false, $("second-said"));
    const mixing = $("mix").open && $("second").value.trim() !== "";
    const prompts = (mixing ? [$("prompt"), $("second")] : [$("prompt")]).map(read);
    if (prompts.includes(null)) return null;
    const excluded = prompts.map(({ unwanted }) => unwanted).filter(Boolean);
    const negative = excluded.length ? vocabulary.words.map((_, i) => Math.max(...excluded.map((c) => c[i]))) : null;
    const beginning = $("start").value;
    let chosen = way(), note = "";
    if (beginning === "half") chosen = HALF;
    else if (chosen.network === "few_steps" && own()) [chosen, note] = [way(FALLBACK.own), text("own_needs_slow")];
    else if (chosen.network === "few_steps" && negative) [chosen, note] = [way(FALLBACK.not), text("not_needs_slow")];
    const guidance = chosen.network === "few_steps" ? 1 : Number($("guidance").value);
    if (negative && guidance <= 1) return void say(text("not_needs_guidance"), true);
    const said = prompts.map(({ wanted }) => vocabulary.describe(wanted) || text("anything")).join(" / ");
    const gaps = { wanted: said, unwanted: negative && vocabulary.describe(negative) };
    say(`${text(negative ? "reads_not" : said === text("anything") ? "reads_nothing" : "reads", gaps)}. ${note}`);
    if (!$("seed").checkValidity() || $("seed").value === "") return void say(text("seed_wrong"), true);
    if (own() && editor.empty) return void say(text("own_empty"), true);
    const [n, seed, share] = [Number($("number").value), Number($("seed").value), mixing ? Number($("share").value) : 0];
    const [first, second] = [$("prompt"), $("second")].map((field) => field.value.trim() || text("anything"));
    const prompt = mixing ? text("mixed", { first, second, share }) : first;
    const begin = { noise: "", own: text("from_own", { t: $("strength").value }), half: text("from_half", { half: text($("half").value) }) };
    const strength = chosen.network === "few_steps" ? "" : text("with_guidance", { guidance });
    const name = text("drawing_of", { prompt, seed, guidance: strength, start: begin[beginning] });
    return { prompts, prompt, name, negative, ...chosen, guidance, n, seed, share: share / 100, beginning, link: `#${linkOf(editor)}` };
  }

  /** The contexts of a wish: those of its prompts, mixed. Draws from the generator as Python does. */
  function contextsOf({ prompts, n, share }, generator) {
    const [first, second] = prompts.map((prompt) => vocabulary.contexts(prompt, n, generator));
    return second ? first.map((context, i) => combine(1 - share, context, share, second[i])) : first;
  }

  /** What `sample` needs for a wish. */
  function beginning(wanted, network) {
    const { n, seed, guidance, sampler, steps, negative } = wanted;
    const generator = new Generator(seed), contexts = contextsOf(wanted, generator);
    const noise = () => generator.normal(n * network.size);
    const begin = { start: noise(), contexts, negative, guidance, sampler, steps, noise };
    if (contexts.every((context) => context.every((value) => value === 0)) && !negative) begin.guidance = 1;
    if (wanted.beginning === "noise") return begin;
    const sprite = editor.sprite, known = new Float32Array(n * network.size);
    for (let i = 0; i < n; i++) known.set(sprite, i * network.size);
    if (wanted.beginning === "half") return { ...begin, keep: { known, mask: mask(n, height) } };
    const from = Number($("strength").value);
    return { ...begin, from, start: perturb(known, from, begin.start, network.alphaBar) };
  }

  /** Draw what the form asks for. A drawing that runs is stopped. */
  async function draw() {
    clearTimeout(timer);
    const wanted = wish();
    if (!wanted) return;
    if (running) running.stopped = true;
    const mine = (running = { stopped: false });
    working(true);
    stage.begin();
    try {
      const network = await networks.load(wanted.network).catch(broken);
      if (mine.stopped || !network) return;
      const begin = beginning(wanted, network), states = [], since = performance.now();
      for await (const state of sample(network, begin)) {
        if (mine.stopped) return;
        stage.show([...states, state], wanted, network.T);
        states.push(state);
      }
      const seconds = ((performance.now() - since) / 1000).toFixed(2);
      stage.finish(text("done", { drawing: wanted.name, way: text(wanted.title), steps: stepsOf(wanted.steps), seconds }));
    } catch (error) {
      console.error(error);
      say(text("failed", { why: error.message }), true);
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
    if (matchMedia(NARROW).matches) $("stage").scrollIntoView();
  });
  $("stop").addEventListener("click", () => {
    if (running) running.stopped = true;
    running = null;
    working(false);
    stage.stop();
    $("draw").focus();
  });
  for (const id of ["number", "way", "guidance", "share"]) $(id).addEventListener("input", drawSoon);
  for (const id of ["number", "way", "guidance", "share", "start", "strength"]) $(id).addEventListener("input", showForm);
  for (const id of ["start", "half", "seed"]) $(id).addEventListener("change", wish); // these wait for Draw
  $("start").addEventListener("change", () => own() || draw());
  suggestWords($("prompt"), $("suggestions"), (written, all) => matching(vocabulary.called(all), written), draw);
  for (const id of ["prompt", "second"]) {
    $(id).addEventListener("input", () => ($("suggestions").hidden ? wish() : say(""))); // a word half written is no mistake
  }
  $("second").addEventListener("change", drawSoon);
  $("other").addEventListener("click", () => {
    $("seed").value = crypto.getRandomValues(new Uint16Array(1))[0];
    draw();
  });
  const ask = (prompt) => {
    $("prompt").value = prompt;
    draw();
    if (matchMedia(NARROW).matches) $("stage").scrollIntoView();
  };
  addIdeas(ideas, ask);
  $("all-words").textContent = `${vocabulary.called().join(", ")}.`;
  stage.onAnother = () => {
    const others = vocabulary.called().filter((word) => word !== $("prompt").value);
    ask(others[crypto.getRandomValues(new Uint16Array(1))[0] % others.length]);
  };
  stage.onTake = (sprite) => {
    if (!own()) $("start").value = "own";
    showForm();
    editor.sprite = sprite;
    wish();
    $("own").scrollIntoView({ block: "nearest" });
  };
  const follow = async () => {
    const left = await readLink(editor, ideas[0]);
    showForm();
    await draw();
    if (left.length) say(text("link_left_out", { names: left.join(", ") }), true);
  };
  addEventListener("hashchange", follow);
  for (const link of document.querySelectorAll(".languages a[href]")) {
    const other = new Vocabulary(knowledge, link.hreflang), { pathname } = link;
    const write = (prompt) => rewritten(prompt, vocabulary, other);
    const lead = () => (link.href = pathname + translated(location.hash, write)); // to the drawing that the address names
    for (const event of ["pointerdown", "click"]) link.addEventListener(event, lead);
  }
  networks.load("few_steps").then(() => ($("load").hidden = true), broken); // whatever the link asks for
  $("draw").disabled = false;
  follow();
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("offline.js").catch(() => {}); // some hosts forbid it
  return { networks, vocabulary, draw, stage };
}

/** A prompt in another language; as it is, where it cannot be read. */
function rewritten(prompt, from, to) {
  try {
    return to.say(from.prompt(prompt));
  } catch (error) {
    if (error instanceof PromptError) return prompt;
    throw error;
  }
}

/** 1 at each number of the pixels that are kept, in n pictures. */
function mask(n, height) {
  const kept = { left: (x) => x < height / 2, right: (x) => x >= height / 2, top: (_, y) => y < height / 2, bottom: (_, y) => y >= height / 2 };
  const keep = kept[$("half").value];
  return Uint8Array.from({ length: 3 * n * height * height }, (_, i) => keep(i % height, Math.floor(i / height) % height));
}

function say(sentence, wrong = false, place = $("said")) {
  place.textContent = sentence;
  place.classList.toggle("wrong", wrong);
  if (place === $("said")) $("prompt").setAttribute("aria-invalid", String(wrong));
}

let lost = false; // a file did not come

function broken(error) {
  console.error(error);
  lost = $("load").hidden = true;
  say(text("broken", { why: error.message }), true);
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
    $("load").hidden = lost || have >= all;
  };
}

function fillForm() {
  for (const [network, title, sampler, counts] of WAYS) {
    const group = document.createElement("optgroup");
    group.label = text(title);
    for (const steps of counts) group.append(new Option(`${text(title)}, ${stepsOf(steps)}`, `${network} ${sampler} ${steps}`));
    $("way").append(group);
  }
  showForm();
}

function addIdeas(ideas, ask) {
  for (const idea of ideas) {
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

window.playground = start();
window.playground.catch(broken);
