// Limit of W8: a tape, one switch a node, for value and reverse gradient of a graph of scalars.
//
// op: 0 input, 1 a + b, 2 a·b, 3 sin a, 4 exp(-a²). The partials of one input are kept in the forward sweep.
#include <math.h>
#include <stdint.h>
#include <string.h>
#define R restrict

double tape(long reps, long nin, long n, const uint8_t *R op, const int32_t *R a, const int32_t *R b, const double *R x, double *R v,
            double *R p, double *R adj, double *R g) {
  for (long q = 0; q < reps; q++) {
    memcpy(v, x, nin * sizeof(double));
    for (long i = nin; i < n; i++) {
      double s = v[a[i]], c, t;
      switch (op[i]) {
        case 1: v[i] = s + v[b[i]]; break;
        case 2: v[i] = s * v[b[i]]; break;
        case 3: sincos(s, &t, &c); v[i] = t; p[i] = c; break;
        default: t = exp(-s * s); v[i] = t; p[i] = -2 * s * t; break;
      }
    }
    memset(adj, 0, n * sizeof(double));
    adj[n - 1] = 1;
    for (long i = n - 1; i >= nin; i--) {
      double w = adj[i];
      long ia = a[i], ib;
      switch (op[i]) {
        case 1: ib = b[i]; adj[ia] += w; adj[ib] += w; break;
        case 2: ib = b[i]; { double va = v[ia], vb = v[ib]; adj[ia] += w * vb; adj[ib] += w * va; } break;
        default: adj[ia] += w * p[i]; break;
      }
    }
    memcpy(g, adj, nin * sizeof(double));
    __asm__ volatile("" ::: "memory");
  }
  return v[n - 1];
}
