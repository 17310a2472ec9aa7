// diffusion_lab's steps.py and samplers.py, in JavaScript. A batch of pictures is one Float32Array, as (n, 3, H, W) in memory.
//
//   for await (const { t, x, x0 } of sample(network, options)) ...    n steps give n + 1 states, the last with t = 0

/** The pairs [t, t_prev] that lead from `from` to 0 in n nearly equal steps (samplers.step_grid). */
export function stepGrid(from, n) {
  const times = Array.from({ length: n + 1 }, (_, k) => Math.floor((2 * from * (n - k) + n) / (2 * n)));
  return times.slice(0, -1).map((t, k) => [t, times[k + 1]]);
}

/** a x + b y, number by number. */
export const combine = (a, x, b, y) => x.map((value, i) => a * value + b * y[i]);

/** x_t from x0 in one go (Ho et al. 2020, eq. 4). */
export const perturb = (x0, t, eps, alphaBar) => combine(Math.sqrt(alphaBar[t]), x0, Math.sqrt(1 - alphaBar[t]), eps);

/** What a network that predicts v says about x0 (Salimans & Ho 2022, appendix D), clipped to [-1, 1], and the eps that fits. */
export function believed(v, x, t, alphaBar) {
  const a = Math.sqrt(alphaBar[t]), b = Math.sqrt(1 - alphaBar[t]);
  const x0 = combine(a, x, -b, v).map((value) => Math.min(1, Math.max(-1, value)));
  return { x0, eps: combine(1 / b, x, -a / b, x0) };
}

/** One step of DDIM with eta = 0 (Song et al. 2021, eq. 12). */
export const ddimStep = (x0, eps, tPrev, alphaBar) => perturb(x0, tPrev, eps, alphaBar);

/** One step of DDPM (Ho et al. 2020, algorithm 2, with sigma^2 = beta of the whole jump); the last adds no noise. */
export function ddpmStep(x, eps, t, tPrev, alphaBar, z) {
  const alpha = alphaBar[t] / alphaBar[tPrev], beta = 1 - alpha;
  const mean = combine(1 / Math.sqrt(alpha), x, -beta / Math.sqrt((1 - alphaBar[t]) * alpha), eps);
  return tPrev > 0 ? combine(1, mean, Math.sqrt(beta), z) : mean;
}

/** One step of DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2), to t_prev >= 1. last: the belief before, { t, x0 }. */
export function dpmpp2mStep(x, x0, last, t, tPrev, alphaBar) {
  const a = (i) => Math.sqrt(alphaBar[i]), sigma = (i) => Math.sqrt(1 - alphaBar[i]);
  const [lambdaLast, lambda, lambdaPrev] = [last.t, t, tPrev].map((i) => Math.log(a(i) / sigma(i)));
  const h = lambdaPrev - lambda, r = (lambda - lambdaLast) / h;
  const D = combine(1 + 1 / (2 * r), x0, -1 / (2 * r), last.x0);
  return combine(sigma(tPrev) / sigma(t), x, -a(tPrev) * Math.expm1(-h), D);
}

/**
 * Walk from noise to sprites.
 *
 * network: { T, alphaBar, evaluate(x, time, contexts) } which answers v. start: the noise, or pictures at time `from` (T if not
 * given). contexts: n arrays of V numbers. negative: one, or null. guidance s: u + s (c - u). sampler: "ddim", "dpmpp_2m" or "ddpm".
 * noise(): fresh noise, for "ddpm" and for `keep`. keep: { known, mask }: where the mask is 1 the pixels are those of `known`,
 * as noisy as the time asks (Lugmayr et al. 2022, simplified).
 */
export async function* sample(network, { start, from = network.T, contexts, negative, guidance, sampler, steps, noise, keep }) {
  const { alphaBar } = network;
  const put = (x, t, z) => (keep ? x.map((value, i) => (keep.mask[i] ? z[i] : value)) : x);
  let x = start, last = null;
  for (const [t, tPrev] of stepGrid(from, steps)) {
    if (keep) x = put(x, t, perturb(keep.known, t, noise(), alphaBar));
    const { x0, eps } = believed(await answer(network, x, t, contexts, negative, guidance), x, t, alphaBar);
    yield { t, x, x0 };
    if (sampler === "ddpm") x = ddpmStep(x, eps, t, tPrev, alphaBar, tPrev > 0 ? noise() : null);
    else if (sampler === "ddim" || last === null || tPrev === 0) x = ddimStep(x0, eps, tPrev, alphaBar);
    else x = dpmpp2mStep(x, x0, last, t, tPrev, alphaBar);
    last = { t, x0 };
  }
  x = put(x, 0, keep?.known);
  yield { t: 0, x, x0: x };
}

/** The network's answer with classifier-free guidance (Ho & Salimans 2022); both halves run in one batch. */
async function answer(network, x, t, contexts, negative, guidance) {
  const time = t / network.T;
  if (guidance === 1) return network.evaluate(x, time, contexts);
  const nothing = contexts.map((context) => negative ?? context.map(() => 0));
  const twice = new Float32Array(2 * x.length);
  twice.set(x);
  twice.set(x, x.length);
  const both = await network.evaluate(twice, time, [...nothing, ...contexts]);
  return combine(1 - guidance, both.subarray(0, x.length), guidance, both.subarray(x.length));
}
