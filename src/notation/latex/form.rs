//! How each operator is set: a template with places for its arguments.
//!
//! Operators without a row here are set by name, so a new operator needs none. A template's place is `#`, a letter and the argument's
//! position; the letter says what stands there without brackets: `a` anything, `c` comparisons, `s` sums, `p` products, `n` signs,
//! `w` powers, `t` nothing that has an operator.

/// How tightly something holds together, from the loosest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Logic,
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    Atom,
}

impl Level {
    /// The level that a template's letter stands for.
    pub(super) fn of(letter: u8) -> Level {
        match letter {
            b'c' => Level::Comparison,
            b's' => Level::Sum,
            b'p' => Level::Product,
            b'n' => Level::Sign,
            b'w' => Level::Power,
            b't' => Level::Atom,
            _ => Level::Logic,
        }
    }
}

/// The template of an operator with a fixed number of arguments and no attributes.
pub(super) fn template(op: &str) -> Option<(&'static str, usize, Level)> {
    Some(match op {
        "negative" => ("-#n0", 1, Level::Sign),
        "divide" | "chain_divide" => (r"\frac{#a0}{#a1}", 2, Level::Power),
        "reciprocal" => (r"\frac{1}{#a0}", 1, Level::Power),
        "pow" => ("{#t0}^{#a1}", 2, Level::Power),
        "square" => ("{#t0}^{2}", 1, Level::Power),
        "sqrt" => (r"\sqrt{#a0}", 1, Level::Atom),
        "rsqrt" => (r"\frac{1}{\sqrt{#a0}}", 1, Level::Power),
        "cbrt" => (r"\sqrt[3]{#a0}", 1, Level::Atom),
        "abs" => (r"\left|#a0\right|", 1, Level::Atom),
        "hypot" => (r"\sqrt{{#t0}^{2} + {#t1}^{2}}", 2, Level::Atom),
        "fma" => (r"#p0 \cdot #w1 + #p2", 3, Level::Sum),
        "remainder" => (r"#p0 \bmod #w1", 2, Level::Product),
        "floor" => (r"\left\lfloor #a0 \right\rfloor", 1, Level::Atom),
        "ceil" => (r"\left\lceil #a0 \right\rceil", 1, Level::Atom),
        "exp" => ("e^{#a0}", 1, Level::Power),
        "exp2" => ("2^{#a0}", 1, Level::Power),
        "expm1" => ("e^{#a0} - 1", 1, Level::Sum),
        "log" => (r"\ln\left(#a0\right)", 1, Level::Atom),
        "log2" => (r"\log_{2}\left(#a0\right)", 1, Level::Atom),
        "log10" => (r"\log_{10}\left(#a0\right)", 1, Level::Atom),
        "log1p" => (r"\ln\left(1 + #p0\right)", 1, Level::Atom),
        "sin" => (r"\sin\left(#a0\right)", 1, Level::Atom),
        "cos" => (r"\cos\left(#a0\right)", 1, Level::Atom),
        "tan" => (r"\tan\left(#a0\right)", 1, Level::Atom),
        "asin" => (r"\arcsin\left(#a0\right)", 1, Level::Atom),
        "acos" => (r"\arccos\left(#a0\right)", 1, Level::Atom),
        "atan" => (r"\arctan\left(#a0\right)", 1, Level::Atom),
        "sinh" => (r"\sinh\left(#a0\right)", 1, Level::Atom),
        "cosh" => (r"\cosh\left(#a0\right)", 1, Level::Atom),
        "tanh" => (r"\tanh\left(#a0\right)", 1, Level::Atom),
        "asinh" => (r"\operatorname{arsinh}\left(#a0\right)", 1, Level::Atom),
        "acosh" => (r"\operatorname{arcosh}\left(#a0\right)", 1, Level::Atom),
        "atanh" => (r"\operatorname{artanh}\left(#a0\right)", 1, Level::Atom),
        "sech2" => (r"\operatorname{sech}^{2}\left(#a0\right)", 1, Level::Power),
        "less" => ("#s0 < #s1", 2, Level::Comparison),
        "less_equal" => (r"#s0 \le #s1", 2, Level::Comparison),
        "greater" => ("#s0 > #s1", 2, Level::Comparison),
        "greater_equal" => (r"#s0 \ge #s1", 2, Level::Comparison),
        "equal" | "same" => ("#s0 = #s1", 2, Level::Comparison),
        "not_equal" => (r"#s0 \ne #s1", 2, Level::Comparison),
        "logical_and" => (r"#c0 \land #c1", 2, Level::Logic),
        "logical_or" => (r"#c0 \lor #c1", 2, Level::Logic),
        "logical_not" => (r"\lnot #n0", 1, Level::Sign),
        "where" => (r"\begin{cases} #a1 & \text{if } #a0 \\ #a2 & \text{otherwise} \end{cases}", 3, Level::Power),
        "sigmoid" => (r"\sigma\left(#a0\right)", 1, Level::Atom),
        "ndtr" => (r"\Phi\left(#a0\right)", 1, Level::Atom),
        "ndtri" => (r"\Phi^{-1}\left(#a0\right)", 1, Level::Power),
        "gamma" => (r"\Gamma\left(#a0\right)", 1, Level::Atom),
        "gammaln" => (r"\ln\left|\Gamma\left(#a0\right)\right|", 1, Level::Atom),
        "digamma" => (r"\psi\left(#a0\right)", 1, Level::Atom),
        "polygamma" => (r"\psi^{\left(#a0\right)}\left(#a1\right)", 2, Level::Power),
        "beta" => (r"\mathrm{B}\left(#a0, #a1\right)", 2, Level::Atom),
        "j0" => (r"J_{0}\left(#a0\right)", 1, Level::Atom),
        "j1" => (r"J_{1}\left(#a0\right)", 1, Level::Atom),
        "y0" => (r"Y_{0}\left(#a0\right)", 1, Level::Atom),
        "y1" => (r"Y_{1}\left(#a0\right)", 1, Level::Atom),
        "sum" => (r"\sum\left(#a0\right)", 1, Level::Atom),
        "prod" => (r"\prod\left(#a0\right)", 1, Level::Atom),
        "max" => (r"\max\left(#a0\right)", 1, Level::Atom),
        "min" => (r"\min\left(#a0\right)", 1, Level::Atom),
        "vector_norm" => (r"\left\lVert #a0 \right\rVert", 1, Level::Atom),
        "matmul" => (r"#p0 \, #w1", 2, Level::Product),
        "vecdot" => (r"\left\langle #a0, #a1 \right\rangle", 2, Level::Atom),
        "outer" => (r"#p0 \otimes #w1", 2, Level::Product),
        "cross" => (r"#p0 \times #w1", 2, Level::Product),
        "permute_dims" => (r"{#t0}^{\top}", 1, Level::Power),
        "inv" => ("{#t0}^{-1}", 1, Level::Power),
        "det" => (r"\det\left(#a0\right)", 1, Level::Atom),
        "trace" => (r"\operatorname{tr}\left(#a0\right)", 1, Level::Atom),
        _ => return None,
    })
}

/// The name before the arguments of an operator with any number of them.
pub(super) fn function(op: &str) -> Option<&'static str> {
    match op {
        "maximum" => Some(r"\max"),
        "minimum" => Some(r"\min"),
        _ => None,
    }
}
