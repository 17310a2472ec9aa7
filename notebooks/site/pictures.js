// From numbers to pictures: canvases, PNG, GIF; and from files to sprites.

import { GIFEncoder, applyPalette, quantize } from "./gifenc.esm.js";

const PAPER = 255;

/** A number of [-1, 1] as a byte (sprites.to_uint8). Nothing is rescaled by its own minimum and maximum. */
export const byte = (value) => Math.floor(Math.min(255, Math.max(0, (value + 1) * 127.5)) + 0.5);

/** n pictures (n, 3, H, H) as one sheet of `columns`, a pixel of paper between them: ImageData without scale. */
export function sheet(x, height, columns) {
  const area = height * height, n = x.length / (3 * area), pitch = height + 1;
  const rows = Math.ceil(n / columns), across = Math.min(columns, n);
  const image = new ImageData(across * pitch + 1, rows * pitch + 1);
  image.data.fill(PAPER);
  for (let k = 0; k < n; k++) {
    const left = 1 + (k % columns) * pitch, top = 1 + Math.floor(k / columns) * pitch;
    for (let i = 0; i < area; i++) {
      const place = 4 * ((top + Math.floor(i / height)) * image.width + left + (i % height));
      for (let channel = 0; channel < 3; channel++) image.data[place + channel] = byte(x[(3 * k + channel) * area + i]);
    }
  }
  return image;
}

/** Put a sheet on a canvas, one canvas pixel for each of its own: the style sheet enlarges it without blur. */
export function draw(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** A sheet, enlarged, as a PNG file. */
export async function png(image, scale) {
  const canvas = document.createElement("canvas"), large = document.createElement("canvas");
  draw(canvas, image);
  [large.width, large.height] = [image.width * scale, image.height * scale];
  const pen = large.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(canvas, 0, 0, large.width, large.height);
  return new Promise((resolve) => large.toBlob(resolve, "image/png"));
}

/** Sheets as an animated GIF that loops for ever. seconds: of movement; hold: of the last sheet. */
export function gif(sheets, scale, seconds = 3, hold = 1.5) {
  const encoder = GIFEncoder();
  sheets.forEach((image, k) => {
    const { width, height, data } = image;
    const palette = quantize(data, 256), small = applyPalette(data, palette);
    const large = new Uint8Array(width * height * scale * scale);
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        large[y * width * scale + x] = small[Math.floor(y / scale) * width + Math.floor(x / scale)];
      }
    }
    const delay = 1000 * (k === sheets.length - 1 ? hold : seconds / sheets.length);
    encoder.writeFrame(large, width * scale, height * scale, { palette, delay });
  });
  encoder.finish();
  return new Blob([encoder.bytes()], { type: "image/gif" });
}

/** Any picture file as one sprite (1, 3, H, H) on white: what is larger is made smaller, without blur where it fits. */
export async function spriteOf(file, height) {
  const picture = await createImageBitmap(file);
  const canvas = new OffscreenCanvas(height, height), pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, height, height);
  pen.imageSmoothingEnabled = picture.width % height !== 0 || picture.height % height !== 0;
  pen.imageSmoothingQuality = "high";
  const scale = height / Math.max(picture.width, picture.height);
  const [width, tall] = [picture.width * scale, picture.height * scale];
  pen.drawImage(picture, (height - width) / 2, (height - tall) / 2, width, tall);
  const { data } = pen.getImageData(0, 0, height, height), area = height * height;
  return Float32Array.from({ length: 3 * area }, (_, i) => data[4 * (i % area) + Math.floor(i / area)] / 127.5 - 1);
}
