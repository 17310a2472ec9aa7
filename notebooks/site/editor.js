// A sprite of one's own: painted, dropped, opened, or taken from what was drawn.

import { byte, spriteOf } from "./pictures.js";
import { text } from "./texts.js";

// Names are those of texts.toml.
const COLOURS = {
  ink: "#26324a", white: "#ffffff", gray: "#8a8f98", brown: "#7b4a2d", red: "#d1353b", orange: "#f08a24",
  yellow: "#f7d038", green: "#4c9f4a", cyan: "#3fb6c6", blue: "#3266c8", purple: "#7b4bb5", pink: "#ee86b7",
};
const MOST_UNDO = 50;

export class Editor {
  /** elements: canvas, palette, undo, clear, file, drop; wrong(text): says what is wrong. */
  constructor(elements, height, wrong) {
    Object.assign(this, { ...elements, height, wrong });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.past = [];
    this.colour = COLOURS.ink;
    this.opened = 0;
    this.cursor = [height / 2, height / 2];
    this.#makePalette();
    this.#listen();
    this.erase();
    this.past = [];
    this.#name();
  }

  /** The sprite as (1, 3, H, H) in [-1, 1]. */
  get sprite() {
    const { data } = this.pen.getImageData(0, 0, this.height, this.height), area = this.height ** 2;
    return Float32Array.from({ length: 3 * area }, (_, i) => data[4 * (i % area) + Math.floor(i / area)] / 127.5 - 1);
  }

  /** Put a sprite (1, 3, H, H) here. */
  set sprite(x) {
    this.#remember();
    const area = this.height ** 2, image = new ImageData(this.height, this.height);
    for (let i = 0; i < area; i++) {
      for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = byte(x[channel * area + i]);
      image.data[4 * i + 3] = 255;
    }
    this.pen.putImageData(image, 0, 0);
  }

  /** The sprite as a PNG in letters, for a link. */
  get letters() {
    return this.canvas.toDataURL("image/png").split(",")[1];
  }

  /** Put the sprite of such letters here; says whether they are one. */
  async read(letters) {
    try {
      this.sprite = await spriteOf(await (await fetch(`data:image/png;base64,${letters}`)).blob(), this.height);
      return true;
    } catch {
      return false;
    }
  }

  /** Is there nothing but white? */
  get empty() {
    return this.sprite.every((value) => value === 1);
  }

  erase() {
    this.#remember();
    this.pen.fillStyle = "white";
    this.pen.fillRect(0, 0, this.height, this.height);
  }

  /** Read a picture; where a second one is opened meanwhile, that one counts. */
  async open(file) {
    const mine = ++this.opened;
    try {
      const sprite = await spriteOf(file, this.height);
      if (mine === this.opened) this.sprite = sprite;
    } catch {
      this.wrong(text("not_a_picture"));
    }
  }

  #remember() {
    this.past = [...this.past, this.pen.getImageData(0, 0, this.height, this.height)].slice(-MOST_UNDO);
  }

  /** Paint the pixels from the cursor to a place, in a line, and move the cursor there. */
  #paint(to) {
    const from = this.cursor, steps = Math.max(1, ...to.map((part, i) => Math.abs(part - from[i])));
    this.pen.fillStyle = this.colour;
    for (let k = 0; k <= steps; k++) {
      const [column, row] = from.map((part, i) => Math.round(part + ((to[i] - part) * k) / steps));
      this.pen.fillRect(column, row, 1, 1);
    }
    this.cursor = to;
  }

  #name() {
    const [column, row] = this.cursor;
    this.canvas.setAttribute("aria-label", text("own_canvas", { column: column + 1, row: row + 1 }));
    this.canvas.style.setProperty("--column", column);
    this.canvas.style.setProperty("--row", row);
  }

  #makePalette() {
    const choose = (colour) => (this.colour = colour);
    for (const [name, colour] of [...Object.entries(COLOURS), ["any_colour", null]]) {
      const label = document.createElement("label"), radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: "colour", checked: colour === this.colour, title: text(name) });
      radio.setAttribute("aria-label", text(name));
      label.append(radio);
      if (colour) {
        label.style.setProperty("--colour", colour);
        radio.addEventListener("change", () => choose(colour));
      } else {
        const any = document.createElement("input");
        Object.assign(any, { type: "color", value: "#a0522d", title: text("any_colour") });
        any.setAttribute("aria-label", text("any_colour"));
        any.addEventListener("input", () => {
          radio.checked = true;
          choose(any.value);
        });
        radio.addEventListener("change", () => choose(any.value));
        label.append(any);
      }
      this.palette.append(label);
    }
  }

  #listen() {
    const { canvas, height } = this;
    const pixel = (event) => {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      return [x, y].map((part) => Math.min(height - 1, Math.max(0, Math.floor(part * height))));
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#remember();
      this.cursor = pixel(event);
      this.#paint(this.cursor);
      this.#name();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) for (const moment of event.getCoalescedEvents?.() ?? [event]) this.#paint(pixel(moment));
    });
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (move) this.cursor = this.cursor.map((part, i) => Math.min(height - 1, Math.max(0, part + move[i])));
      else if (event.key === " ") {
        this.#remember();
        this.#paint(this.cursor);
      } else return;
      event.preventDefault();
      this.#name();
    });
    this.undo.addEventListener("click", () => {
      const last = this.past.pop();
      if (last) this.pen.putImageData(last, 0, 0);
    });
    this.clear.addEventListener("click", () => this.erase());
    this.file.addEventListener("change", () => {
      if (this.file.files.length) this.open(this.file.files[0]);
      this.file.value = "";
    });
    this.drop.addEventListener("dragover", (event) => event.preventDefault());
    this.drop.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.open(event.dataTransfer.files[0]);
    });
  }
}
