//! Names and numbers as mathematicians set them: `theta` → `\theta`, `x_1` → `x_{1}`, `x_dot` → `\dot{x}`, `1e-5` → `10^{-5}`.

/// A name. `inputs` tells whether `df_dx` can be the derivative that it looks like.
pub(super) fn name(name: &str, is_input: impl Fn(&str) -> bool) -> String {
    if let Some(derivative) = derivative(name, is_input) {
        return derivative;
    }
    for (suffix, accent) in [("_dot", "dot"), ("_bar", "bar")] {
        if let Some(stem) = name.strip_suffix(suffix)
            && !stem.is_empty()
        {
            return format!("\\{accent}{{{}}}", subscripted(stem));
        }
    }
    subscripted(name)
}

/// The names that derivatives are given, `d<output>_d<input>` and `d2<output>_d<input>_d<input>`, where the inputs are inputs.
fn derivative(name: &str, is_input: impl Fn(&str) -> bool) -> Option<String> {
    if let Some(rest) = name.strip_prefix("d2") {
        for (at, _) in rest.match_indices("_d") {
            let (output, inputs) = (&rest[..at], &rest[at + 2..]);
            for (between, _) in inputs.match_indices("_d") {
                let (first, second) = (&inputs[..between], &inputs[between + 2..]);
                if !output.is_empty() && is_input(first) && is_input(second) {
                    let (output, first, second) = (subscripted(output), subscripted(first), subscripted(second));
                    return Some(format!("\\frac{{\\partial^{{2}} {output}}}{{\\partial {first} \\, \\partial {second}}}"));
                }
            }
        }
    }
    let rest = name.strip_prefix('d')?;
    rest.match_indices("_d")
        .map(|(at, _)| (&rest[..at], &rest[at + 2..]))
        .find(|(output, input)| !output.is_empty() && is_input(input))
        .map(|(output, input)| format!("\\frac{{\\partial {}}}{{\\partial {}}}", subscripted(output), subscripted(input)))
}

/// A name whose parts behind `_`, and digits behind one letter, are subscripts.
fn subscripted(name: &str) -> String {
    let mut parts = name.split('_');
    let stem = parts.next().unwrap_or_default();
    let digits = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let (stem, number) = if is_symbol(digits) { stem.split_at(digits.len()) } else { (stem, "") };
    let subscripts: Vec<&str> = (!number.is_empty()).then_some(number).into_iter().chain(parts).collect();
    if stem.is_empty() || subscripts.iter().any(|part| part.is_empty()) {
        return upright(name);
    }
    if subscripts.is_empty() {
        return symbol(stem);
    }
    let subscripts: Vec<String> = subscripts.into_iter().map(symbol).collect();
    format!("{}_{{{}}}", symbol(stem), subscripts.join(","))
}

fn is_symbol(part: &str) -> bool {
    part.chars().count() == 1 || GREEK.contains(&part)
}

fn symbol(part: &str) -> String {
    if GREEK.contains(&part) {
        format!("\\{part}")
    } else if part.chars().count() == 1 || part.chars().all(|c| c.is_ascii_digit()) {
        part.to_owned()
    } else {
        upright(part)
    }
}

/// A word in upright letters.
pub(super) fn upright(word: &str) -> String {
    format!("\\mathrm{{{}}}", escape(word))
}

/// A text whose characters stand for themselves.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '_' | '#' | '%' | '&' | '$' | '{' | '}' => out.extend(['\\', character]),
            '\\' => out.push_str("\\backslash "),
            '^' | '~' => out.extend(['\\', character, '{', '}']),
            _ => out.push(character),
        }
    }
    out
}

/// A number without its sign: its digits, and whether they are a product with a power of ten.
pub(super) fn number(value: f64) -> (String, bool) {
    let value = value.abs();
    if value.is_nan() {
        return (upright("NaN"), false);
    }
    if value.is_infinite() {
        return ("\\infty".into(), false);
    }
    let mut buffer = zmij::Buffer::new();
    let shown = buffer.format_finite(value);
    let shown = shown.strip_suffix(".0").unwrap_or(shown);
    match shown.split_once('e') {
        Some((mantissa, exponent)) => {
            let mantissa = mantissa.strip_suffix(".0").unwrap_or(mantissa);
            let power = format!("10^{{{}}}", exponent.trim_start_matches('+'));
            (if mantissa == "1" { power } else { format!("{mantissa} \\cdot {power}") }, true)
        }
        None => (shown.to_owned(), false),
    }
}

const GREEK: &[&str] = &[
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho",
    "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi",
    "Psi", "Omega",
];
