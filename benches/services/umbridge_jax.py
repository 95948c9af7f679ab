"""UM-Bridge's own Python server with the function as a model, its gradient compiled by JAX."""

import socket

import numpy as np
import umbridge
from jax_black_scholes import one


class BlackScholes(umbridge.Model):
    def __init__(self):
        super().__init__("black-scholes")

    def get_input_sizes(self, config):
        return [5]

    def get_output_sizes(self, config):
        return [1]

    def __call__(self, parameters, config):
        return [[float(one(np.array(parameters[0]))[0])]]

    def gradient(self, out_wrt, in_wrt, parameters, sens, config):
        return (np.asarray(one(np.array(parameters[0]))[1]) * sens[0]).tolist()

    def supports_evaluate(self):
        return True

    def supports_gradient(self):
        return True


if __name__ == "__main__":
    # it takes a number and says nothing: a free one, and whoever starts this waits until somebody answers there
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    print(f"umbridge listening on http://127.0.0.1:{port}", flush=True)
    umbridge.serve_models([BlackScholes()], port)
