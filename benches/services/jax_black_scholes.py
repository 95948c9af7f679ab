"""Value and gradient of Black–Scholes by JAX, compiled: what the Python services have behind them."""

import jax
import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)

NAMES = ("S", "K", "r", "sigma", "T")


def price(point):
    S, K, r, sigma, T = point
    spread = sigma * jnp.sqrt(T)
    d1 = (jnp.log(S / K) + (r + sigma * sigma / 2) * T) / spread
    ndtr = lambda x: (1 + jax.scipy.special.erf(x * 0.7071067811865476)) / 2
    return S * ndtr(d1) - K * jnp.exp(-r * T) * ndtr(d1 - spread)


# five numbers; five columns of them, with five columns of partials
one = jax.jit(jax.value_and_grad(price))
many = jax.jit(jax.vmap(jax.value_and_grad(price), in_axes=1, out_axes=(0, 1)))
