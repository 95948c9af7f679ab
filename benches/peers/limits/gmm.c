// Limit of W3: objective and gradient of a Gaussian mixture, reverse mode by hand, 64 points at a time.
//
// xt: d × n, the points transposed, n a multiple of 64, of which `nreal` count; parameters alphas[k], means[k][d], and
// icf[k][d + d(d-1)/2]: logarithms of a diagonal, then a strict lower triangle by columns. `constant` is added to the objective.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define R restrict
#define B 64
#define DMAX 64
#define LANES _Pragma("omp simd") for (long b = 0; b < B; b++)

static double logsumexp(long k, const double *a) {
  double m = a[0], s = 0;
  for (long j = 1; j < k; j++) m = a[j] > m ? a[j] : m;
  for (long j = 0; j < k; j++) s += exp(a[j] - m);
  return m + log(s);
}

// xc = x − mu, qxc = Q·xc
static inline __attribute__((always_inline)) void transform(long d, long b0, long n, const double *R xt, const double *R mu,
                                                            const double *R Q, double xc[][B], double qxc[][B]) {
  for (long c = 0; c < d; c++) {
    const double *R xr = xt + c * n + b0;
    double m = mu[c];
    LANES xc[c][b] = xr[b] - m;
  }
  for (long r = 0; r < d; r++) {
    double acc[B], q = Q[r * d + r];
    LANES acc[b] = q * xc[r][b];
    for (long c = 0; c < r; c++) {
      q = Q[r * d + c];
      LANES acc[b] += q * xc[c][b];
    }
    memcpy(qxc[r], acc, sizeof acc);
  }
}

double gmm(long reps, long n, long nreal, long d, long k, const double *R xt, const double *R alphas, const double *R means,
           const double *R icf, double constant, double *R ga, double *R gm, double *R gi) {
  long ic = d + d * (d - 1) / 2;
  double f = 0, *Q = malloc(sizeof(double) * k * d * d), *sq = malloc(sizeof(double) * k);
  double(*w)[B] = aligned_alloc(64, sizeof(double) * k * B), *lq = malloc(sizeof(double) * k * d * d);
  double xc[DMAX][B] __attribute__((aligned(64))), qxc[DMAX][B] __attribute__((aligned(64)));
  for (long rep = 0; rep < reps; rep++) {
    memset(Q, 0, sizeof(double) * k * d * d);
    for (long j = 0; j < k; j++) {
      const double *p = icf + j * ic;
      double *q = Q + j * d * d;
      long o = d;
      sq[j] = 0;
      for (long c = 0; c < d; c++) { q[c * d + c] = exp(p[c]); sq[j] += p[c]; }
      for (long c = 0; c < d; c++) for (long r = c + 1; r < d; r++) q[r * d + c] = p[o++];
    }
    memset(ga, 0, sizeof(double) * k);
    memset(gm, 0, sizeof(double) * k * d);
    memset(lq, 0, sizeof(double) * k * d * d);
    double sum = 0;
    for (long b0 = 0; b0 < n; b0 += B) {
      double mx[B], s[B];
      for (long j = 0; j < k; j++) {
        transform(d, b0, n, xt, means + j * d, Q + j * d * d, xc, qxc);
        double a[B] = {0}, base = alphas[j] + sq[j];
        for (long r = 0; r < d; r++) LANES a[b] += qxc[r][b] * qxc[r][b];
        LANES w[j][b] = base - 0.5 * a[b];
      }
      for (long b = 0; b < B; b++) mx[b] = w[0][b], s[b] = 0;
      for (long j = 1; j < k; j++) LANES mx[b] = w[j][b] > mx[b] ? w[j][b] : mx[b];
      for (long j = 0; j < k; j++) LANES { w[j][b] = exp(w[j][b] - mx[b]); s[b] += w[j][b]; }
      for (long b = 0; b < B; b++) if (b0 + b < nreal) sum += mx[b] + log(s[b]);
      LANES s[b] = b0 + b < nreal ? 1 / s[b] : 0;
      for (long j = 0; j < k; j++) {
        transform(d, b0, n, xt, means + j * d, Q + j * d * d, xc, qxc);
        double total = 0;
#pragma omp simd reduction(+ : total)
        for (long b = 0; b < B; b++) { w[j][b] *= s[b]; total += w[j][b]; }
        ga[j] += total;
        for (long r = 0; r < d; r++) {
          double wq[B], sm = 0, *R o = lq + j * d * d + r * d;
          const double *R q = Q + j * d * d + r * d;
#pragma omp simd reduction(+ : sm)
          for (long b = 0; b < B; b++) { wq[b] = w[j][b] * qxc[r][b]; sm += wq[b]; }
          for (long c = 0; c <= r; c++) {
            double g = 0;
#pragma omp simd reduction(+ : g)
            for (long b = 0; b < B; b++) g += wq[b] * xc[c][b];
            o[c] -= g;
            gm[j * d + c] += q[c] * sm;
          }
        }
      }
    }
    double lse = logsumexp(k, alphas), prior = 0;
    for (long j = 0; j < k; j++) {
      const double *p = icf + j * ic, *q = lq + j * d * d;
      double *g = gi + j * ic;
      long o = d;
      for (long c = 0; c < d; c++) {
        double diagonal = Q[j * d * d + c * d + c];
        prior += diagonal * diagonal;
        g[c] = q[c * d + c] * diagonal + ga[j] + diagonal * diagonal;
      }
      for (long c = 0; c < d; c++) for (long r = c + 1; r < d; r++, o++) {
        prior += p[o] * p[o];
        g[o] = q[r * d + c] + p[o];
      }
      ga[j] -= nreal * exp(alphas[j] - lse);
    }
    f = constant + sum - nreal * lse + 0.5 * prior;
    __asm__ volatile("" ::: "memory");
  }
  free(Q), free(sq), free(w), free(lq);
  return f;
}
