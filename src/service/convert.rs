//! What is answered with a function: `POST /graph`, and `POST /derivative`, whose function is made of the one that is sent.

use super::build::{self, Built};
use super::decode;
use super::derivative::{Asked, derivative};
use super::encode;
use super::export::{Style, export};
use super::library::Halt;
use super::limits::{Limits, check};
use super::plan::{at_outputs, site, wrt};
use super::{Ask, refusal};
use crate::engine::program::{Program, Want};
use crate::notation::{formula, latex};
use crate::wire::problem::Failure;

/// Answers with the function, or a derivative of it, in every notation.
pub(super) fn convert(asked: Ask<'_>, limits: &Limits) -> Result<Vec<u8>, Halt> {
    let body = asked.body;
    let envelope = decode::envelope(asked, limits.json_nesting)?;
    let source = decode::function(&envelope, body, limits, asked.library)?;
    let mut built = build::build(&source.graph, site(&source), limits, true)?;
    drop(source);
    if let Some(of) = envelope.of {
        let asked = Asked { of, wrt: wrt(&envelope, body, &built.graph, limits)?, value: envelope.value };
        built = derivative(&built, &asked, limits).map_err(|failure| at_outputs(failure, &envelope))?;
    }
    Ok(answer(&built, limits)?)
}

fn answer(built: &Built, limits: &Limits) -> Result<Vec<u8>, Failure> {
    let graph = export(&built.graph, &built.names, Style::Listed);
    let nested = export(&built.graph, &built.names, Style::Nested);
    let per_point = vec![true; built.graph.inputs().len()];
    let program = Program::compile(&built.graph, &Want::Value, &per_point).map_err(refusal)?;
    let outputs = built.graph.outputs().iter();
    let answer = encode::converted(&encode::Converted {
        graph: &graph,
        formula: formula::print_within(&nested, limits.formula_nesting).as_deref(),
        latex: &latex::print(&nested),
        outputs: outputs.map(|output| (output.name.as_str(), built.graph.shape(output.node).sizes())).collect(),
        cost: program.cost(1),
    });
    check("limits.answer_bytes", answer.len(), limits.answer_bytes).map(|()| answer)
}
