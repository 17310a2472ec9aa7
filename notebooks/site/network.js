// The networks, computed by ONNX Runtime in a worker, so that the page answers while they work.

/** Read a file, telling `progress(bytes)` how much more of it has come. */
async function download(address, progress) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const reader = response.body.getReader(), parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    progress(value.length);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** All networks of the page. `progress(bytes)` is told what has come. */
export class Networks {
  constructor(knowledge, progress) {
    Object.assign(this, { knowledge, progress });
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.loaded = new Map();
    this.waiting = new Map();
    this.calls = 0;
    this.worker.onmessage = ({ data: { id, result, error } }) => {
      const { resolve, reject } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) reject(new Error(error));
      else resolve(result);
    };
    this.worker.onerror = ({ message }) => {
      for (const { reject } of this.waiting.values()) reject(new Error(message));
      this.waiting.clear();
    };
    this.runtime = download(new URL("ort-wasm-simd-threaded.wasm", import.meta.url), progress).then((wasm) =>
      this.#call("runtime", { wasm }, [wasm.buffer]),
    );
    this.runtime.catch(() => {}); // told by `load`
  }

  /** What a network needs to be sampled: see sampler.js. */
  load(name) {
    if (!this.loaded.has(name)) this.loaded.set(name, this.#load(name));
    return this.loaded.get(name);
  }

  async #load(name) {
    const { file, height, alpha_bar: alphaBar } = this.knowledge[name];
    const weights = await download(new URL(file, import.meta.url), this.progress);
    await this.runtime;
    await this.#call("network", { name, weights }, [weights.buffer]);
    const evaluate = (x, time, contexts) => this.#evaluate(name, height, x, time, contexts);
    return { T: alphaBar.length - 1, alphaBar, evaluate, size: 3 * height * height };
  }

  #evaluate(name, height, x, time, contexts) {
    const c = Float32Array.from(contexts.flat());
    return this.#call("evaluate", { name, height, x, time, c }, [c.buffer]);
  }

  #call(task, values, moved) {
    const id = this.calls++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, task, ...values }, moved);
    });
  }
}
