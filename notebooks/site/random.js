// Random numbers as PyTorch draws them on a CPU, so that a seed means the same sprites here and in Python.

const N = 624, M = 397;

/** The Mersenne Twister (Matsumoto & Nishimura 1998), with what torch.Generator makes of it. */
export class Generator {
  constructor(seed) {
    this.state = new Uint32Array(N);
    this.state[0] = seed >>> 0;
    for (let i = 1; i < N; i++) {
      const last = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, last) + i;
    }
    this.next = N;
  }

  /** A whole number from 0 to 2^32 - 1. */
  bits() {
    if (this.next === N) this.#twist();
    let y = this.state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist() {
    const { state } = this;
    for (let i = 0; i < N; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % N] & 0x7fffffff);
      state[i] = state[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }

  /** torch.randint(high, (n,)). */
  integers(high, n) {
    return Array.from({ length: n }, () => this.bits() % high);
  }

  /** torch.randn(length), for a length that is a multiple of 16 (as 3 x 16 x 16 is): Box & Muller 1958, in groups of 16. */
  normal(length) {
    if (length % 16) throw new Error(`normal: ${length} is no multiple of 16`);
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = (this.bits() & 0xffffff) / 0x1000000;
    for (let group = 0; group < length; group += 16) {
      for (let i = group; i < group + 8; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - values[i])), angle = 2 * Math.PI * values[i + 8];
        values[i] = radius * Math.cos(angle);
        values[i + 8] = radius * Math.sin(angle);
      }
    }
    return values;
  }
}
