// A sprite of one's own: painted, dropped, opened, or taken from what was drawn.

import { byte, spriteOf } from "./pictures.js";
import { text } from "./texts.js";

const COLOURS = ["#26324a", "#ffffff", "#8a8f98", "#7b4a2d", "#d1353b", "#f08a24", "#f7d038", "#4c9f4a", "#3fb6c6", "#3266c8", "#7b4bb5", "#ee86b7"];
const MOST_UNDO = 50;

export class Editor {
  /** elements: canvas, palette, undo, clear, file, drop; wrong(text): says what is wrong; changed(): after each change. */
  constructor(elements, height, wrong, changed) {
    Object.assign(this, { ...elements, height, wrong, changed });
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true });
    this.past = [];
    this.colour = COLOURS[0];
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
    this.changed();
  }

  erase() {
    this.#remember();
    this.pen.fillStyle = "white";
    this.pen.fillRect(0, 0, this.height, this.height);
    this.changed();
  }

  async open(file) {
    try {
      this.sprite = await spriteOf(file, this.height);
    } catch {
      this.wrong(text("not_a_picture"));
    }
  }

  #remember() {
    this.past = [...this.past, this.pen.getImageData(0, 0, this.height, this.height)].slice(-MOST_UNDO);
  }

  #paint([column, row]) {
    this.pen.fillStyle = this.colour;
    this.pen.fillRect(column, row, 1, 1);
  }

  #name() {
    const [column, row] = this.cursor;
    this.canvas.setAttribute("aria-label", text("own_canvas", { column: column + 1, row: row + 1 }));
    this.canvas.style.setProperty("--column", column);
    this.canvas.style.setProperty("--row", row);
  }

  #makePalette() {
    this.palette.setAttribute("aria-label", text("colours"));
    const choose = (colour) => (this.colour = colour);
    for (const [i, colour] of [...COLOURS, null].entries()) {
      const label = document.createElement("label"), radio = document.createElement("input");
      Object.assign(radio, { type: "radio", name: "colour", checked: i === 0 });
      label.append(radio);
      if (colour) {
        label.style.setProperty("--colour", colour);
        radio.setAttribute("aria-label", colour);
        radio.addEventListener("change", () => choose(colour));
      } else {
        const any = document.createElement("input");
        Object.assign(any, { type: "color", value: "#a0522d", title: text("any_colour") });
        any.setAttribute("aria-label", text("any_colour"));
        radio.setAttribute("aria-label", text("any_colour"));
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
      this.#paint((this.cursor = pixel(event)));
      this.#name();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.buttons) for (const moment of event.getCoalescedEvents?.() ?? [event]) this.#paint(pixel(moment));
    });
    canvas.addEventListener("pointerup", () => this.changed());
    canvas.addEventListener("keydown", (event) => {
      const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (move) this.cursor = this.cursor.map((part, i) => Math.min(height - 1, Math.max(0, part + move[i])));
      else if (event.key === " ") {
        this.#remember();
        this.#paint(this.cursor);
        this.changed();
      } else return;
      event.preventDefault();
      this.#name();
    });
    this.undo.addEventListener("click", () => {
      const last = this.past.pop();
      if (!last) return;
      this.pen.putImageData(last, 0, 0);
      this.changed();
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
