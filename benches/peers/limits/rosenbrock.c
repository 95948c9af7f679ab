// Limit of W2: value and gradient of the chained Rosenbrock function in one pass over memory.
#define R restrict

double rosenbrock(long reps, long n, const double *R x, double *R g) {
  double f = 0;
  for (long q = 0; q < reps; q++) {
    double t0 = x[1] - x[0] * x[0], u0 = 1 - x[0];
    f = 100 * t0 * t0 + u0 * u0;
    g[0] = -400 * x[0] * t0 - 2 * u0;
#pragma omp simd reduction(+ : f)
    for (long i = 1; i < n - 1; i++) {
      double a = x[i], t = x[i + 1] - a * a, u = 1 - a, p = a - x[i - 1] * x[i - 1];
      f += 100 * t * t + u * u;
      g[i] = 200 * p - 400 * a * t - 2 * u;
    }
    g[n - 1] = 200 * (x[n - 1] - x[n - 2] * x[n - 2]);
    __asm__ volatile("" ::: "memory");
  }
  return f;
}
