// Computes networks: one thread of WebAssembly, which any web server allows.

import * as ort from "./ort.wasm.bundle.min.mjs";

const sessions = new Map();

const tasks = {
  runtime({ wasm }) {
    Object.assign(ort.env.wasm, { numThreads: 1, wasmBinary: wasm });
  },
  async network({ name, weights }) {
    sessions.set(name, await ort.InferenceSession.create(weights, { executionProviders: ["wasm"] }));
  },
  /** x: (n, 3, height, height), c: (n, V); all are at the same time. */
  async evaluate({ name, height, x, time, c }) {
    const n = x.length / (3 * height * height);
    const { y } = await sessions.get(name).run({
      x: new ort.Tensor("float32", x, [n, 3, height, height]),
      t: new ort.Tensor("float32", new Float32Array(n).fill(time), [n]),
      c: new ort.Tensor("float32", c, [n, c.length / n]),
    });
    return y.data;
  },
};

let last = Promise.resolve(); // one task after the other
onmessage = ({ data: { id, task, ...values } }) => {
  last = last.then(async () => {
    try {
      postMessage({ id, result: await tasks[task](values) });
    } catch (error) {
      postMessage({ id, error: String(error?.message ?? error) });
    }
  });
};
