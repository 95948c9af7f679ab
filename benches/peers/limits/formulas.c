// Limits of W1: Black–Scholes call with 5 partials, and the mixed formula with 3, one loop over the points.
//
// Compiled twice: against scalar libm, and with -ffast-math, where gcc makes the loop a vector one over libmvec (4 units in the last
// place). `_ad` has the operations of reverse mode; `_analytic` also uses the identity S·phi(d1) = K·exp(-rT)·phi(d2), which no
// differentiation of the formula knows.
#include <math.h>
#define R restrict
#define FORGET __asm__ volatile("" ::: "memory") // every repetition computes
static const double IS2 = 0.70710678118654752440, IS2PI = 0.39894228040143267794;

// 1 log, 2 exp, 2 erf, 1 sqrt
void black_scholes_analytic(long reps, long n, const double *R S, const double *R K, const double *R r, const double *R s,
                            const double *R T, double *R C, double *R gS, double *R gK, double *R gr, double *R gs, double *R gT) {
  for (long q = 0; q < reps; q++) {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      double sq = sqrt(T[i]), v = s[i] * sq;
      double d1 = (log(S[i] / K[i]) + (r[i] + 0.5 * s[i] * s[i]) * T[i]) / v, d2 = d1 - v;
      double N1 = 0.5 * (1 + erf(d1 * IS2)), N2 = 0.5 * (1 + erf(d2 * IS2));
      double e = exp(-r[i] * T[i]), ph = IS2PI * exp(-0.5 * d1 * d1);
      double KeN2 = K[i] * e * N2, Sp = S[i] * ph;
      C[i] = S[i] * N1 - KeN2;
      gS[i] = N1;
      gK[i] = -e * N2;
      gr[i] = T[i] * KeN2;
      gs[i] = Sp * sq;
      gT[i] = 0.5 * Sp * s[i] / sq + r[i] * KeN2;
    }
    FORGET;
  }
}

// 1 log, 3 exp, 2 erf, 1 sqrt
void black_scholes_ad(long reps, long n, const double *R S, const double *R K, const double *R r, const double *R s, const double *R T,
                      double *R C, double *R gS, double *R gK, double *R gr, double *R gs, double *R gT) {
  for (long q = 0; q < reps; q++) {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      double sq = sqrt(T[i]), v = s[i] * sq, iv = 1 / v, x = S[i] / K[i];
      double h = r[i] + 0.5 * s[i] * s[i];
      double d1 = (log(x) + h * T[i]) * iv, d2 = d1 - v;
      double N1 = 0.5 * (1 + erf(d1 * IS2)), N2 = 0.5 * (1 + erf(d2 * IS2));
      double e = exp(-r[i] * T[i]), Ke = K[i] * e;
      C[i] = S[i] * N1 - Ke * N2;
      double a2 = -Ke * IS2PI * exp(-0.5 * d2 * d2);
      double a1 = S[i] * IS2PI * exp(-0.5 * d1 * d1) + a2;
      double av = -a2 - a1 * d1 * iv, an = a1 * iv, ah = an * T[i];
      double ae = -K[i] * N2;
      gS[i] = N1 + an / S[i];
      gK[i] = -e * N2 - an / K[i];
      gr[i] = ah - ae * e * T[i];
      gs[i] = ah * s[i] + av * sq;
      gT[i] = an * h + av * s[i] * 0.5 / sq - ae * e * r[i];
    }
    FORGET;
  }
}

// exp(-x*y/2)*sin(y*z) + log(1 + x^2 + z^2)*x^1.7/(y + z^0.3) + sin(x)*z
void mix_ad(long reps, long n, const double *R X, const double *R Y, const double *R Z, double *R F, double *R gx, double *R gy,
            double *R gz) {
  for (long q = 0; q < reps; q++) {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      double x = X[i], y = Y[i], z = Z[i];
      double e = exp(-0.5 * x * y), yz = y * z, s1 = sin(yz), c1 = cos(yz);
      double u = 1 + x * x + z * z, l = log(u), px = pow(x, 1.7), pz = pow(z, 0.3);
      double iw = 1 / (y + pz), sx = sin(x), cx = cos(x), t = l * px * iw, es = e * s1, ec = e * c1;
      F[i] = es + t + sx * z;
      double au = px * iw / u;
      gx[i] = -0.5 * y * es + au * 2 * x + 1.7 * t / x + cx * z;
      gy[i] = -0.5 * x * es + ec * z - t * iw;
      gz[i] = ec * y + au * 2 * z - t * iw * 0.3 * pz / z + sx;
    }
    FORGET;
  }
}
