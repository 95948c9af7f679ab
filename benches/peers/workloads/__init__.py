"""The workloads, in the order of the tables. Each module makes its cases when asked: data are seeded, and the same in every run."""

from . import black_scholes, dag, hessian, jacobian, mix, mlp, mixture, rosenbrock

ALL = {
    "W1": (black_scholes, mix),
    "W2": (rosenbrock,),
    "W3": (mixture,),
    "W5": (mlp,),
    "W6": (jacobian,),
    "W7": (hessian,),
    "W8": (dag,),
}
