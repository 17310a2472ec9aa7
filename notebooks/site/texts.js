// All texts of the page in one table: a row for each, a column for each language. {gaps} are filled by the page.

const ROWS = {
  title: { en: "Playground: sprites from noise" },
  lead: { en: "Write a prompt, and a small network draws 16×16 sprites for it in your browser. Nothing is installed, and nothing that you write or draw is sent anywhere." },
  loading: { en: "The network is loading: {have} of {all} MB" },
  compiling: { en: "The network is getting ready" },
  broken: { en: "The network could not be loaded ({why}). Reload the page; if that does not help, try a newer browser." },
  failed: { en: "Drawing stopped ({why}). Reload the page to go on." },

  prompt: { en: "Prompt" },
  prompt_help: { en: 'A kind, a colour, or both, as in "red potion"; "not" leads away from a word. A number before a word weakens it, as in "hero + 0.6 food". Leave it empty for any sprite.' },
  suggestions: { en: "Words that fit" },
  ideas: { en: "For example" },
  reads: { en: "Understood: {wanted}" },
  reads_not: { en: "Understood: {wanted}; led away from: {unwanted}" },
  reads_nothing: { en: "Understood: any sprite" },
  anything: { en: "any sprite" },
  unknown: { en: '"{word}" is not a word of this network. The nearest are "{first}" and "{second}".' },
  waiting: { en: '"{waiting}" has no word after it: say which, as in "{waiting} {example}".' },
  weight: { en: "{token} is no weight: a number before a word must be above 0 and at most {most}." },
  both: { en: '"{word}" is both wanted and excluded: leave one of the two out.' },

  draw: { en: "Draw" },
  stop: { en: "Stop" },
  number: { en: "Sprites" },
  seed: { en: "Seed" },
  other_noise: { en: "Other noise" },
  seed_explained: { en: "The seed decides the noise that drawing starts from. With the same choices the same seed gives the same sprites, here and in Python." },
  way: { en: "Way" },
  fast: { en: "Fast network" },
  dpmpp_2m: { en: "2M" },
  ddim: { en: "DDIM" },
  ddpm: { en: "DDPM" },
  evaluations: { en: "{steps} steps" },
  evaluation: { en: "1 step" },
  way_explained: { en: 'The network was trained with 500 amounts of noise, and one can go through them in fewer steps. The fast network was taught to need four, one or two. 2M and DDIM are two ways of taking the steps, DDPM another with fresh noise at each step. <a href="notebooks/L4_FastSampling.html">Lab 4</a> explains them.' },
  guidance: { en: "Guidance: {value}" },
  guidance_built_in: { en: "Guidance: built into the fast network" },
  guidance_explained: { en: 'How strongly the prompt is followed. At 0 it counts nothing, 1 is plain, more gives clearer sprites that differ less. Other than 0 and 1 it needs the network twice for each step. <a href="notebooks/L3_Context.html">Lab 3</a> explains it.' },
  not_needs_slow: { en: '"not" needs guidance, which is fixed in the fast network: 2M draws this, in 10 steps.' },
  not_needs_guidance: { en: '"not" needs a guidance above 1: move the slider.' },
  own_needs_slow: { en: "The fast network has learned four amounts of noise only, not those in between: 2M draws this, in 25 steps." },

  choices: { en: "What these choices mean" },
  mix: { en: "Mix with a second prompt" },
  mix_prompt: { en: "Second prompt" },
  mix_share: { en: "Share of the second: {value} %" },
  mix_explained: {
    en: 'A prompt becomes a list of numbers, and lists can be averaged. <a href="notebooks/L3_Context.html">Lab 3</a> shows what the network makes of it.',
  },

  start: { en: "Start from" },
  start_noise: { en: "pure noise" },
  start_own: { en: "my sprite, with noise" },
  start_half: { en: "a half of my sprite" },
  own: { en: "My sprite" },
  own_help: { en: "Paint with the mouse or a finger. By keyboard: the arrow keys move, the space bar paints. You can also drop a picture here." },
  own_canvas: { en: "My sprite, 16 by 16 pixels. Pixel {column}, {row}." },
  colours: { en: "Colours" },
  any_colour: { en: "Any other colour" },
  undo: { en: "Undo" },
  clear: { en: "Clear" },
  open: { en: "Open a picture" },
  not_a_picture: { en: "This file is no picture that the browser can read: choose a PNG, JPG, GIF or WebP." },
  strength: { en: "Noise: t = {t} of {T}" },
  strength_explained: { en: "Your sprite gets the noise of time t, and the network takes it away again: little noise keeps your sprite, much noise only its large shapes, t = 500 nothing (SDEdit, Meng et al. 2022). Press Draw to begin." },
  half: { en: "Keep" },
  left: { en: "the left half" },
  right: { en: "the right half" },
  top: { en: "the upper half" },
  bottom: { en: "the lower half" },
  half_explained: { en: 'Before each step your half is put in again, as noisy as the rest: <em>inpainting</em>. <a href="notebooks/L1_Sampling.html">Lab 1</a> explains it. It takes 30 steps of DDPM. Press Draw to begin.' },

  noise: { en: "The picture" },
  belief: { en: "The belief" },
  stage_explained: { en: 'The picture is noise at first. The belief is the sprite that the network takes to be behind it. Each step leads the picture towards the belief. Time t counts from all noise (500, or 4 in the fast network) down to none. <a href="notebooks/L1_Sampling.html">Lab 1</a> explains why this works.' },
  moment: { en: "Step back" },
  moment_at: { en: "t = {t} of {T}" },
  picture_of: { en: "{n} sprites for {prompt}, at t = {t}" },
  belief_of: { en: "The belief at t = {t}: {n} sprites for {prompt}" },
  done: { en: "{drawing} · {way}, {steps} · {seconds} s" },
  drawing: { en: "Drawing" },
  stopped: { en: "Stopped" },

  save_png: { en: "Save PNG" },
  save_gif: { en: "Save GIF" },
  link: { en: "Copy link" },
  link_copied: { en: "The link is copied. It brings back this drawing." },
  link_here: { en: "The address of this page is now the link to this drawing." },
  take: { en: "Take sprite" },
  take_button: { en: "to my sprite" },
  before: { en: "What you drew" },
  before_help: { en: "The last drawings. Those of one seed, from pure noise, grew out of the same noise. A click brings one back." },
  same_noise: { en: "Same noise, a word by chance" },

  own_empty: { en: "Your sprite is empty: paint something, or open a picture. Then press Draw." },
  seed_wrong: { en: "The seed must be a whole number from 0 to 4294967295." },
  second_wrong: { en: "Second prompt: {sentence}" },
  all_words: { en: "All words of this network" },
  drawing_of: { en: "{prompt} · seed {seed}{guidance}{start}" },
  with_guidance: { en: " · guidance {guidance}" },
  mixed: { en: "{first} with {share} % {second}" },
  from_own: { en: " · my sprite at t = {t}" },
  from_half: { en: " · {half} of my sprite kept" },
  link_left_out: { en: "Some values of the link are not known here and were left out: {names}." },
  ink: { en: "ink" },
  white: { en: "white" },
  gray: { en: "gray" },
  brown: { en: "brown" },
  red: { en: "red" },
  orange: { en: "orange" },
  yellow: { en: "yellow" },
  green: { en: "green" },
  cyan: { en: "cyan" },
  blue: { en: "blue" },
  purple: { en: "purple" },
  pink: { en: "pink" },
  further: {
    en: 'The network has 2.3 million numbers and has seen 19,010 drawn sprites. <a href="notebooks/L1_Sampling.html">Lab 1</a> shows how noise becomes a sprite, <a href="notebooks/L2_Training.html">lab 2</a> trains such a network, <a href="notebooks/L3_Context.html">lab 3</a> gives it words, <a href="notebooks/L4_FastSampling.html">lab 4</a> makes it fast.',
  },
};

export const LANGUAGES = ["en"];
export const LANGUAGE = LANGUAGES.find((language) => document.documentElement.lang.startsWith(language)) ?? LANGUAGES[0];

/** A row in the page's language, its gaps filled. */
export function text(name, gaps = {}) {
  const row = ROWS[name];
  if (!row) throw new Error(`texts.js has no row ${name}`);
  return row[LANGUAGE].replace(/\{(\w+)\}/g, (_, gap) => gaps[gap]);
}

/** Fill all elements that name a row: data-text="row". Only these rows hold HTML, and none of it comes from people. */
export function fill(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.innerHTML = text(element.dataset.text);
}
