"""How each peer is called: what is compiled, what is timed, how its answer is read."""

import ctypes
import os
import subprocess
import tempfile
import time
from pathlib import Path

import casadi
import jax
import numpy as np

from measure import Contender

try:
    import torch

    torch.set_num_threads(1)
except ImportError:
    torch = None

jax.config.update("jax_enable_x64", True)

LIMITS = Path(__file__).parent / "limits"
BUILT = tempfile.TemporaryDirectory()
# A mathematician's licence to reassociate, and glibc's vector functions. Without the option gcc fuses sin and cos, and the loop stays scalar.
FAST = ("-ffast-math", "-fdisable-tree-sincos")
STRICT = ("-fno-math-errno",)


def repeated(call):
    def run(repeats):
        for _ in range(repeats):
            call()

    return run


def flat(answer):
    """The numbers of nested tuples of arrays, in order."""
    return np.concatenate([np.asarray(leaf, float).ravel() for leaf in jax.tree.leaves(answer)])


def with_jax(function, arguments, name="jit"):
    """Compiled by XLA; device arrays in and out."""
    arguments = tuple(jax.numpy.asarray(argument) for argument in arguments)
    begun = time.perf_counter()
    jax.jit(function).lower(*arguments).compile()
    compiled = time.perf_counter() - begun
    call = jax.jit(function)
    return Contender(
        "JAX",
        f"JAX {name}",
        repeated(lambda: jax.block_until_ready(call(*arguments))),
        lambda: flat(call(*arguments)),
        compile_seconds=compiled,
    )


def with_casadi(build, arguments, name, rearranged=lambda outputs: outputs):
    """CasADi's virtual machine, through its buffers: nothing is copied. `build` makes the function."""
    begun = time.perf_counter()
    function = build()
    compiled = time.perf_counter() - begun
    buffer, call = function.buffer()
    inputs = [np.ascontiguousarray(argument, float) for argument in arguments]
    outputs = [np.zeros(function.nnz_out(i)) for i in range(function.n_out())]
    for i, array in enumerate(inputs):
        buffer.set_arg(i, memoryview(array))
    for i, array in enumerate(outputs):
        buffer.set_res(i, memoryview(array))

    def answer(keep=(function, buffer, inputs)):  # which must live as long as the call
        return np.concatenate([np.ravel(output) for output in rearranged(outputs)])

    return Contender("CasADi VM", f"CasADi {name}", repeated(call), answer, compile_seconds=compiled)


def with_torch(function, arrays, differentiate=None, name="eager"):
    """PyTorch as it is called interactively: value and gradient by `arrays`, or what `differentiate` makes of them."""
    if torch is None:
        return []
    tensors = [torch.tensor(array, dtype=torch.float64, requires_grad=differentiate is None) for array in arrays]

    def gradient():
        value = function(*tensors)
        return value, *torch.autograd.grad(value.sum(), tensors)

    call = gradient if differentiate is None else lambda: differentiate(function, tensors)
    return [Contender("PyTorch", f"PyTorch {name}", repeated(call), lambda: flat([part.detach().numpy() for part in call()]))]


def with_numpy(function, kind="NumPy", name="NumPy by hand"):
    """Derivatives by hand."""
    return Contender(kind, name, repeated(function), lambda: flat(function()))


def limit(source, function, arguments, outputs, name, flags=FAST, value=False):
    """A function of limits/: `function(repeats, *arguments, *outputs)`, which returns the value where `value` says so."""
    call = getattr(library(source, flags), function)
    call.restype = ctypes.c_double if value else None
    passed = [passable(argument) for argument in (*arguments, *outputs)]
    returned = []

    def run(repeats, keep=(arguments, outputs)):
        returned[:] = [call(ctypes.c_long(repeats), *passed)]

    return Contender("limit", name, run, lambda: flat((returned if value else [], outputs)))


def passable(argument):
    if isinstance(argument, np.ndarray):
        return argument.ctypes.data_as(ctypes.c_void_p)
    return ctypes.c_double(argument) if isinstance(argument, float) else ctypes.c_long(argument)


def library(source, flags):
    """Compiled and linked in two steps: linking with -ffast-math would turn denormal numbers off in the whole process."""
    built = Path(BUILT.name) / f"{source}{'-'.join(flags)}"
    if not built.with_suffix(".so").exists():
        compiler = os.environ.get("CC", "gcc")
        common = ["-O3", "-march=native", "-fopenmp-simd", "-fPIC", "-D_GNU_SOURCE", *flags]
        # its note that a pass is disabled, which was asked for, is not for the reader
        run = lambda *words: subprocess.run([compiler, *words], check=True, stderr=subprocess.PIPE)
        run(*common, "-c", LIMITS / f"{source}.c", "-o", built.with_suffix(".o"))
        run("-shared", built.with_suffix(".o"), "-o", built.with_suffix(".so"), "-lmvec", "-lm")
    return ctypes.CDLL(built.with_suffix(".so"))
