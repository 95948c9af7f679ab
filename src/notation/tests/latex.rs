//! Graphs as LaTeX.

use super::super::latex::print;
use super::*;

#[test]
fn expressions() {
    for (text, wanted) in [
        ("x^2 * sin(y)", r"{x}^{2} \cdot \sin\left(y\right)"),
        ("2*x", r"2 \, x"),
        ("2*3", r"2 \cdot 3"),
        ("a/b", r"\frac{a}{b}"),
        ("(a/b)^2", r"{\left(\frac{a}{b}\right)}^{2}"),
        ("(a + b)*c", r"\left(a + b\right) \cdot c"),
        ("a - (b - c)", r"a - \left(b - c\right)"),
        ("a + -b", "a - b"),
        ("a + -2", "a - 2"),
        ("a*-b", r"a \cdot \left(-b\right)"),
        ("-x^2", "-{x}^{2}"),
        ("(-2)^x", r"{\left(-2\right)}^{x}"),
        ("sqrt(x_1 + theta)", r"\sqrt{x_{1} + \theta}"),
        ("exp(-x^2/2)", r"e^{\frac{-{x}^{2}}{2}}"),
        ("if(x < 0, 0, x)", r"\begin{cases} 0 & \text{if } x < 0 \\ x & \text{otherwise} \end{cases}"),
        ("softplus(x)", r"\operatorname{softplus}\left(x\right)"),
        ("log_sigmoid(x)", r"\operatorname{log\_sigmoid}\left(x\right)"),
        ("Max(a, b, c)", r"\max\left(a, b, c\right)"),
        ("1e-30*x", r"10^{-30} \, x"),
        ("2*pi*r", r"2 \, \pi \, r"),
        ("x[0] + A[1, 2]", r"x\left[0\right] + A\left[1, 2\right]"),
        ("x[1:3]", r"x\left[1{:}3\right]"),
        ("[1, 2] + x", r"\begin{bmatrix} 1 \\ 2 \end{bmatrix} + x"),
        ("[[1, 2], [3, 4]]", r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"),
        ("[a, b]", r"\begin{bmatrix} a \\ b \end{bmatrix}"),
        ("sum(x, axis=0)", r"\operatorname{sum}\left(x,\ \mathrm{axis} = 0\right)"),
        ("learning_rate*x_dot", r"\mathrm{learning}_{\mathrm{rate}} \cdot \dot{x}"),
        ("alpha1*beta_12", r"\alpha_{1} \cdot \beta_{12}"),
        ("chain_multiply(a, b)", r"a \cdot b"),
        ("chain_divide(a, b)", r"\frac{a}{b}"),
        ("nonnegative(a + b)^2", r"{\left(a + b\right)}^{2}"),
        ("sech2(x)", r"\operatorname{sech}^{2}\left(x\right)"),
        ("same(a, b)", "a = b"),
    ] {
        assert_eq!(print(&read(text)), wanted, "{text}");
    }
}

#[test]
fn statements() {
    let options = Options { outputs: Some(vec!["r".into(), "theta".into()]), ..Options::default() };
    let polar = parse("r = sqrt(x^2 + y^2); theta = atan2(y, x)", &options).unwrap();
    assert_eq!(
        print(&polar),
        "\\begin{aligned}\nr &= \\sqrt{{x}^{2} + {y}^{2}} \\\\\n\\theta &= \\operatorname{atan2}\\left(y, x\\right)\n\\end{aligned}"
    );
    assert_eq!(print(&read("df_dx = 2*x")), r"\frac{\partial f}{\partial x} = 2 \, x");
    assert_eq!(print(&read("d2f_dx_dy = x*y")), r"\frac{\partial^{2} f}{\partial x \, \partial y} = x \cdot y");
    assert_eq!(print(&read("df_dz = x")), r"\mathrm{df}_{\mathrm{dz}} = x");
    assert_eq!(print(&read("s = x + 1; s^2")), "\\begin{aligned}\ns &= x + 1 \\\\\nf &= {s}^{2}\n\\end{aligned}");
    assert_eq!(print(&Graph::default()), "\\begin{aligned}\n\\end{aligned}");
}
