//! What is known of a request before its numbers matter: its program, which of the numbers go where, and what the answer looks like.
//!
//! A plan's key covers the function's bytes and the name, shape and role of everything numeric that is given, in order. So a plan
//! that is found needs no check of the point: the same check was passed when it was made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::admission::NUMBER_BYTES;
use super::build::{Labels, Origins, Site};
use super::cache::Programs;
use super::chain;
use super::decode::{
    self, Arrangement, Entry, Envelope, Expected, Field, Given, Lead, Place, Reading, Source, Spans, Unsound, explain, fits,
};
use super::digest::{self, Digest, Parts};
use super::encode::{Derivative, Slot, Style, Template, cells};
use super::library::{Halt, Pins};
use super::limits::{Limits, check, exceeded};
use super::words::{meant, quote};
use super::{Ask, Endpoint, refusal};
use crate::engine::Error;
use crate::engine::graph::{self, Graph};
use crate::engine::program::{Cost, Program, Want};
use crate::engine::watch::Watch;
use crate::notation::formula;
use crate::wire::graph::Input;
use crate::wire::problem::{Failure, Fault, MOST_FAULTS, Slug};

/// A request's program with its surroundings.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: Arc<Program>,
    /// Which of the given numbers each program input takes; `None` where there are no points to have any.
    pub(super) sources: Vec<Option<usize>>,
    /// Whether each program input differs from point to point.
    pub(super) per_point: Vec<bool>,
    pub(super) template: Template,
    /// Looks at the points, where that was asked for.
    pub(super) watch: Option<Watch>,
    /// For the cache.
    pub(super) bytes: usize,
}

/// The numbers of a request, and what its plan is called.
#[derive(Debug)]
pub(super) struct Decoded {
    pub(super) key: Digest,
    pub(super) given: Given,
    pub(super) style: Style,
    /// Bytes of the function's text, as often as it is compiled, and the order of the derivative, for an estimate of what that costs.
    pub(super) function_bytes: usize,
    pub(super) order: usize,
    /// What its references mean.
    pub(super) pins: Pins,
    /// Where the rest of it stands.
    pub(super) spans: Spans,
}

/// Reads a request up to its function.
pub(super) fn decode(asked: Ask<'_>, limits: &Limits) -> Result<Decoded, Halt> {
    match decode::glance(asked) {
        Some(envelope) => decode_fields(asked, &envelope, limits).map_err(|halt| first(halt, asked, limits)),
        None => decode_fields(asked, &decode::envelope(asked, limits.json_nesting)?, limits),
    }
}

/// What is to be said of a request that did not get on after a glance at it: what is wrong with its text comes first.
fn first(halt: Halt, asked: Ask<'_>, limits: &Limits) -> Halt {
    decode::envelope(asked, limits.json_nesting).err().map_or(halt, Halt::Failure)
}

fn decode_fields(asked: Ask<'_>, envelope: &Envelope<'_>, limits: &Limits) -> Result<Decoded, Halt> {
    let Ask { endpoint, body, library, crew, .. } = asked;
    let order = order(endpoint, envelope);
    check("limits.derivative_order", order, limits.derivative_order)?;
    let given = match decode::given(endpoint, envelope, body, Reading { limits, crew }) {
        Ok(given) => given,
        Err(Unsound::Failure(failure)) => return Err(failure.into()),
        Err(Unsound::Faults(faults)) => {
            let functions = decode::functions(envelope, body, limits, library)?;
            misfit(envelope, body, &functions, limits)?;
            return Err(Failure::of_faults(Slug::InvalidPoint, faults).into());
        }
    };
    let pins = library.pins(decode::references(envelope, body, limits))?;
    let style = Style { arrangement: given.arrangement, form: envelope.form, layout: envelope.layout };
    let times = if envelope.diagnostics { 3 } else { 1 };
    let function = times * envelope.graph.or(envelope.formula).or(envelope.stages).map_or(0, |raw| raw.get().len());
    let (key, spans) = (key(endpoint, envelope, &given, &pins), envelope.spans(body));
    Ok(Decoded { key, given, style, function_bytes: function, order, pins, spans })
}

/// The order of the derivative that is asked for.
fn order(endpoint: Endpoint, envelope: &Envelope<'_>) -> usize {
    match endpoint {
        Endpoint::Value | Endpoint::Derivative | Endpoint::Graph => 0,
        Endpoint::Gradient | Endpoint::Jacobian | Endpoint::Jvp | Endpoint::Vjp | Endpoint::Chain | Endpoint::Check => 1,
        Endpoint::Hessian | Endpoint::Hvp => 2,
        Endpoint::Taylor => envelope.order.unwrap_or_default(),
    }
}

/// The key of a request's plan.
fn key(endpoint: Endpoint, envelope: &Envelope<'_>, given: &Given, pins: &Pins) -> Digest {
    let mut parts = Parts::new();
    parts.byte(endpoint as u8);
    parts.byte(envelope.mode as u8);
    parts.byte(u8::from(envelope.diagnostics));
    parts.integer(order(endpoint, envelope));
    for raw in [envelope.graph, envelope.formula, envelope.inputs, envelope.outputs, envelope.stages, envelope.wrt] {
        parts.maybe(raw.map(|raw| raw.get()));
    }
    // an id says all of a function, whatever it is called
    pins.iter().for_each(|(_, id)| parts.bytes(&id.0));
    let points = given.arrangement.points();
    parts.byte(match given.arrangement {
        Arrangement::One => 0,
        Arrangement::Rows(_) | Arrangement::Columns(_) if points == 0 => 1,
        Arrangement::Rows(_) | Arrangement::Columns(_) => 2,
        Arrangement::Steps(..) => 3,
    });
    parts.byte(u8::from(envelope.direction.is_some()));
    for entries in [&given.at, &given.points, &given.direction] {
        parts.integer(entries.len());
        for entry in entries {
            parts.bytes(entry.name.as_bytes());
            parts.integers(&entry.sizes);
        }
    }
    // A direction's leading axis may be that of the points.
    parts.byte(u8::from(given.direction_rows.is_some()));
    if !given.direction.is_empty() && given.direction_rows.is_none() && envelope.points.is_some() {
        parts.integer(points);
    }
    parts.finish()
}

/// Makes the plan of a request whose key is not known.
pub(super) fn plan(asked: Ask<'_>, decoded: &Decoded, limits: &Limits, cache: &Programs) -> Result<Plan, Halt> {
    fields(asked, decoded, limits, cache).map_err(|halt| first(halt, asked, limits))
}

/// A request's functions, built, and what of the points each input of the first one is.
struct Functions {
    graphs: Vec<Graph>,
    /// Where their nodes come from, if that is to be known.
    origins: Vec<Origins>,
    binding: Binding,
}

/// A large plain function, whose points fit.
fn straight(envelope: &Envelope<'_>, given: &Given, limits: &Limits) -> Option<Functions> {
    if envelope.diagnostics {
        return None;
    }
    let graph = decode::straight(envelope, limits)?;
    let scalar = |input: &graph::Input| Input { name: input.name.clone(), shape: Some(Vec::new()) };
    let binding = bind(&mut graph.inputs().iter().map(scalar).collect::<Vec<_>>(), given)?;
    Some(Functions { graphs: vec![graph], origins: Vec::new(), binding })
}

/// All others.
fn written(asked: Ask<'_>, envelope: &Envelope<'_>, decoded: &Decoded, limits: &Limits) -> Result<Functions, Halt> {
    let mut functions = decode::functions(envelope, asked.body, limits, &asked.library.pinned(&decoded.pins))?;
    let Some(binding) = functions.first_mut().and_then(|first| bind(&mut first.graph.inputs, &decoded.given)) else {
        misfit(envelope, asked.body, &functions, limits)?;
        return Err(Failure::new(Slug::InvalidPoint, "the points do not fit the function's inputs").into());
    };
    // a large function's names and texts take more memory than its graph, and compiling needs room
    let (graphs, origins) = chain::build_all(functions, limits, envelope.diagnostics)?;
    Ok(Functions { graphs, origins, binding })
}

fn fields(asked: Ask<'_>, decoded: &Decoded, limits: &Limits, cache: &Programs) -> Result<Plan, Halt> {
    let Ask { endpoint, body, .. } = asked;
    let (envelope, given) = (decoded.spans.envelope(body), &decoded.given);
    let Functions { graphs, origins, mut binding } = match straight(&envelope, given, limits) {
        Some(functions) => functions,
        None => written(asked, &envelope, decoded, limits)?,
    };
    let graph = &graphs[0];
    binding.wrt = wrt(&envelope, body, graph, limits)?;
    if let Some(field) = endpoint.direction() {
        let request = Request { envelope: &envelope, body, given, graph, limits };
        request.bind_direction(field, &mut binding)?;
    }
    if endpoint == Endpoint::Check {
        // the step sizes are what differs from point to point
        binding.sources.push(Some(given.at.len()));
        binding.per_point.push(true);
    }
    let by = watched(endpoint, &binding, graph);
    let mut plan = compile(endpoint, &envelope, &graphs, binding, Scope { limits, cache })?;
    if envelope.diagnostics {
        plan.look(&graphs, &by, origins)?;
    }
    Ok(plan)
}

impl Plan {
    /// What the points cost: to compute, and to look at.
    pub(super) fn cost(&self, points: usize) -> Cost {
        let own = self.program.cost(points);
        let Some(watch) = self.watch.as_ref().map(|watch| watch.cost(points)) else { return own };
        Cost {
            flops: own.flops + watch.flops,
            scratch_bytes: own.scratch_bytes.max(watch.scratch_bytes),
            live_elements: own.live_elements.max(watch.live_elements),
            cells: own.cells,
            loop_steps: own.loop_steps + watch.loop_steps,
        }
    }

    /// Looks at the points beside computing.
    fn look(&mut self, graphs: &[Graph], by: &[usize], origins: Vec<Origins>) -> Result<(), Failure> {
        let whole = chain::whole(graphs).map_err(refusal)?;
        let watch = Watch::compile(&whole.graph, by, &self.per_point).map_err(refusal)?;
        let labels = Labels::new(origins, watch.nodes().map(|id| whole.origin(id)));
        self.bytes += watch.bytes() + labels.bytes();
        self.template.labels = Some(labels);
        self.watch = Some(watch);
        Ok(())
    }
}

/// The inputs whose derivatives diagnostics are about.
fn watched(endpoint: Endpoint, binding: &Binding, graph: &Graph) -> Vec<usize> {
    match endpoint {
        // a value has no derivatives: what all of them would meet
        Endpoint::Value | Endpoint::Check | Endpoint::Derivative | Endpoint::Graph => (0..graph.inputs().len()).collect(),
        // its matrix is by all inputs, whichever are answered
        Endpoint::Hvp => (0..graph.inputs().len()).collect(),
        Endpoint::Gradient | Endpoint::Jacobian | Endpoint::Vjp | Endpoint::Hessian | Endpoint::Chain => binding.wrt.clone(),
        Endpoint::Jvp | Endpoint::Taylor => binding.directions.clone(),
    }
}

/// Where numbers go.
#[derive(Debug, Default)]
struct Binding {
    sources: Vec<Option<usize>>,
    per_point: Vec<bool>,
    /// Inputs that have a tangent or another direction, or outputs that have a cotangent.
    directions: Vec<usize>,
    wrt: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Scope<'s> {
    limits: &'s Limits,
    cache: &'s Programs,
}

fn compile(endpoint: Endpoint, envelope: &Envelope<'_>, graphs: &[Graph], binding: Binding, scope: Scope<'_>) -> Result<Plan, Failure> {
    let Binding { sources, per_point, directions, wrt } = binding;
    let graph = &graphs[0];
    let inputs = |wrt: &[usize]| -> Vec<Slot> {
        wrt.iter().map(|&i| &graph.inputs()[i]).map(|input| Slot::new(&input.name, input.shape.sizes())).collect()
    };
    let outputs = |graph: &Graph| -> Vec<Slot> {
        graph.outputs().iter().map(|output| Slot::new(&output.name, graph.shape(output.node).sizes())).collect()
    };
    let derivative = match endpoint {
        Endpoint::Value | Endpoint::Derivative | Endpoint::Graph => Derivative::None,
        Endpoint::Gradient => Derivative::Tensors("gradient", inputs(&wrt)),
        Endpoint::Vjp => Derivative::Tensors("cotangent", inputs(&wrt)),
        Endpoint::Jacobian => Derivative::Jacobian(inputs(&wrt)),
        Endpoint::Jvp => Derivative::Tensors("tangent", outputs(graph)),
        Endpoint::Hessian => Derivative::Hessian(inputs(&wrt)),
        Endpoint::Hvp => Derivative::Product(inputs(&wrt)),
        Endpoint::Taylor => Derivative::Series(order(endpoint, envelope)),
        Endpoint::Chain => Derivative::Chain(chain::slots(graphs, &wrt)),
        Endpoint::Check => Derivative::Linearity(inputs(&(0..graph.inputs().len()).collect::<Vec<_>>())),
    };
    let values = graphs.last().map_or_else(Vec::new, outputs);
    let size = |slots: &[Slot]| slots.iter().map(|slot| slot.elements as f64).sum::<f64>();
    let cells = match &derivative {
        Derivative::Jacobian(inputs) => size(&values) * size(inputs),
        Derivative::Hessian(inputs) => size(inputs) * size(inputs),
        Derivative::Chain(stages) => cells(stages) as f64,
        Derivative::None | Derivative::Tensors(..) | Derivative::Product(_) | Derivative::Series(_) | Derivative::Linearity(_) => 0.0,
    };
    if cells > scope.limits.derivative_cells as f64 {
        return Err(exceeded("limits.derivative_cells", cells, scope.limits.derivative_cells as f64));
    }
    if endpoint == Endpoint::Check {
        // Its program has weights for all outputs: as many as the answer has values.
        let most = values.iter().map(|slot| slot.elements).fold(0, usize::saturating_add).saturating_mul(NUMBER_BYTES);
        check("limits.answer_bytes", most, scope.limits.answer_bytes)?;
    }
    let mode = envelope.mode;
    let program = if endpoint == Endpoint::Chain {
        program(digest::chain(graphs, &wrt, mode, &per_point), scope.cache, || Program::chain(graphs, &wrt, mode, &per_point))
    } else {
        let want = match endpoint {
            Endpoint::Value | Endpoint::Chain | Endpoint::Derivative | Endpoint::Graph => Want::Value,
            Endpoint::Gradient => Want::Gradient { wrt, mode },
            Endpoint::Jacobian => Want::Jacobian { wrt, mode },
            Endpoint::Jvp => Want::Jvp { inputs: directions },
            Endpoint::Vjp => Want::Vjp { outputs: directions, wrt },
            Endpoint::Hessian => Want::Hessian { wrt, mode },
            Endpoint::Hvp => Want::Hvp { wrt, vectors: directions },
            Endpoint::Taylor => Want::Taylor { inputs: directions, order: order(endpoint, envelope) },
            Endpoint::Check => Want::Linearity { directed: envelope.direction.map(|_| directions) },
        };
        program(digest::program(graph, &want, &per_point), scope.cache, || Program::compile(graph, &want, &per_point))
    };
    let program = program.map_err(|failure| at_outputs(failure, envelope))?;
    let template = Template::new(values, derivative, program.results());
    let bytes = program.bytes() + 64 * sources.len() + 2 * template.overhead();
    Ok(Plan { program, sources, per_point, template, watch: None, bytes })
}

/// What a derivative cannot be of are the outputs: where they stand in the body.
pub(super) fn at_outputs(failure: Failure, envelope: &Envelope<'_>) -> Failure {
    if failure.slug != Slug::NotDifferentiable {
        return failure;
    }
    let pointer = match (envelope.graph, envelope.outputs, &envelope.function) {
        (_, _, Some(_)) if envelope.addressed => "",
        (_, _, Some(_)) => "/function",
        (Some(_), _, None) => "/graph/outputs",
        (None, Some(_), None) => "/outputs",
        (None, None, None) => "/formula",
    };
    let hint = Some("ask /jacobian or /vjp, or reduce the outputs to one number".to_owned());
    Failure::of_faults(failure.slug, vec![Fault { pointer: pointer.into(), detail: failure.detail, hint }])
}

/// The program of that key, compiled unless it was for another spelling of the same.
fn program(key: Digest, cache: &Programs, compile: impl FnOnce() -> Result<Program, Error>) -> Result<Arc<Program>, Failure> {
    use quick_cache::sync::GuardResult;
    match cache.programs.get_value_or_guard(&key, None) {
        GuardResult::Value(program) => Ok(program),
        GuardResult::Timeout => Err(Failure::new(Slug::Internal, "the server failed")),
        GuardResult::Guard(guard) => {
            let program = Arc::new(compile().map_err(refusal)?);
            // Where it does not fit into the cache it still serves this request.
            let _ = guard.insert(program.clone());
            Ok(program)
        }
    }
}

/// Where a function stands in its body.
pub(super) fn site(source: &Source) -> Site<'_> {
    Site { pointer: &source.pointer, text: source.text.as_deref() }
}

/// Finds the values of each input and fills in the shapes that the function leaves open; `None` where something does not fit.
fn bind(inputs: &mut [Input], given: &Given) -> Option<Binding> {
    let zero = given.arrangement.points() == 0;
    // a list of no objects has nowhere to name an input; columns do, however short
    let unnamed = matches!(given.arrangement, Arrangement::Rows(0));
    let mut found: HashMap<&str, (usize, &Entry, bool)> = HashMap::with_capacity(inputs.len());
    // steps from the point are no values of an input
    let points = if matches!(given.arrangement, Arrangement::Steps(..)) { &[] } else { &given.points[..] };
    for (i, entry) in given.at.iter().chain(points).enumerate() {
        if found.insert(&entry.name, (i, entry, i >= given.at.len())).is_some() {
            return None;
        }
    }
    let mut binding = Binding::default();
    for input in inputs.iter_mut() {
        let Some((position, entry, per_point)) = found.remove(input.name.as_str()) else {
            if !unnamed {
                return None;
            }
            binding.sources.push(None);
            binding.per_point.push(true);
            continue;
        };
        // A column of no points shows nothing of its shape.
        let blank = zero && per_point && entry.sizes.is_empty();
        match &input.shape {
            Some(shape) if !blank && !fits(&entry.sizes, shape) => return None,
            Some(_) => {}
            None => input.shape = Some(entry.sizes.clone()),
        }
        binding.sources.push(Some(position));
        binding.per_point.push(per_point);
    }
    found.is_empty().then_some(binding)
}

/// Says what is wrong with points that do not fit, unless the function is wrong by itself: then there is nothing to fit.
fn misfit(envelope: &Envelope<'_>, body: &[u8], functions: &[Source], limits: &Limits) -> Result<(), Failure> {
    chain::inspect_all(functions, limits)?;
    let Some(source) = functions.first() else { return Ok(()) };
    let inputs = source.graph.inputs.iter();
    let aside = if source.text.is_some() { constant } else { |_: &str| None };
    let mut expected = Expected::new("input", aside, inputs.map(|input| (input.name.as_str(), input.shape.clone())));
    let mut taken = HashSet::new();
    let mut faults: Vec<Fault> = Vec::new();
    let whole = envelope.points.is_none();
    let fields = [("at", envelope.at, Lead::Never, whole), ("points", envelope.points, Lead::Always, true)];
    for (name, raw, lead, whole) in fields {
        let Some(raw) = raw else { continue };
        let field = Field { name, raw, body, nesting: limits.json_nesting, lead, whole };
        match explain(field, &mut expected, &mut taken) {
            Ok(()) => {}
            Err(failure) if failure.slug == Slug::InvalidPoint => faults.extend(failure.faults),
            Err(failure) => return Err(failure),
        }
    }
    if envelope.at.is_none() && envelope.points.is_none() && !source.graph.inputs.is_empty() {
        let hint = Some("one point is given as `at`; many, but for /check, as `points`".to_owned());
        let fault = Fault { pointer: String::new(), detail: "the point is missing".into(), hint };
        return Err(Failure::of_faults(Slug::InvalidRequest, vec![fault]));
    }
    faults.truncate(MOST_FAULTS);
    if faults.is_empty() { Ok(()) } else { Err(Failure::of_faults(Slug::InvalidPoint, faults)) }
}

/// What to say to a value for a name that a formula reads as a constant.
fn constant(name: &str) -> Option<String> {
    formula::constant(name).map(|_| format!("in a formula {} is a constant, unless `inputs` lists it", quote(name)))
}

/// The inputs to differentiate by: positions, ascending.
pub(super) fn wrt(envelope: &Envelope<'_>, body: &[u8], graph: &Graph, limits: &Limits) -> Result<Vec<usize>, Failure> {
    let Some(raw) = envelope.wrt else { return Ok((0..graph.inputs().len()).collect()) };
    let names = decode::names((Place::default(), "wrt"), raw, body, limits)?;
    decode::repeated("/wrt", names.iter().map(String::as_str))?;
    let index: HashMap<&str, usize> = graph.inputs().iter().enumerate().map(|(i, input)| (input.name.as_str(), i)).collect();
    let unknown = names.iter().enumerate().filter(|(_, name)| !index.contains_key(name.as_str())).take(MOST_FAULTS);
    let faults: Vec<Fault> = unknown
        .map(|(i, name)| Fault {
            pointer: format!("/wrt/{i}"),
            detail: format!("the function has no input {}", quote(name)),
            hint: meant(name, graph.inputs().iter().map(|input| input.name.as_str())),
        })
        .collect();
    if !faults.is_empty() {
        return Err(Failure::of_faults(Slug::InvalidRequest, faults));
    }
    let mut wrt: Vec<usize> = names.iter().filter_map(|name| index.get(name.as_str()).copied()).collect();
    wrt.sort_unstable();
    Ok(wrt)
}

/// A request whose graph is built.
struct Request<'r> {
    envelope: &'r Envelope<'r>,
    body: &'r [u8],
    given: &'r Given,
    graph: &'r Graph,
    limits: &'r Limits,
}

impl Request<'_> {
    /// What a direction may be of, with their shapes.
    fn directions(&self, field: &str) -> Vec<(&str, &[usize])> {
        if field == "cotangent" {
            self.graph.outputs().iter().map(|output| (output.name.as_str(), self.graph.shape(output.node).sizes())).collect()
        } else {
            self.graph.inputs().iter().map(|input| (input.name.as_str(), input.shape.sizes())).collect()
        }
    }

    /// Finds the direction's parts.
    ///
    /// As an object they are shared by all points, or (tensors with one more leading axis, as long as there are points) each point
    /// has its own; as a list of objects each point has its own.
    fn bind_direction(&self, field: &'static str, binding: &mut Binding) -> Result<(), Failure> {
        let names = self.directions(field);
        let index: HashMap<&str, usize> = names.iter().enumerate().map(|(i, (name, _))| (*name, i)).collect();
        let first = self.given.at.len() + self.given.points.len();
        let mut found = Vec::with_capacity(self.given.direction.len());
        for (i, entry) in self.given.direction.iter().enumerate() {
            let fitting = index.get(&*entry.name).and_then(|&position| Some((position, self.per_point(entry, names[position].1)?)));
            match fitting {
                Some((position, per_point)) => found.push((position, first + i, per_point)),
                None => return Err(self.misdirection(field, &names)),
            }
        }
        found.sort_unstable();
        for (position, source, per_point) in found {
            binding.directions.push(position);
            binding.sources.push(Some(source));
            binding.per_point.push(per_point);
        }
        Ok(())
    }

    /// Whether each point has its own; `None` where the shape is wrong.
    fn per_point(&self, entry: &Entry, shape: &[usize]) -> Option<bool> {
        let points = self.given.arrangement.points();
        if self.given.direction_rows.is_some() {
            return fits(&entry.sizes, shape).then_some(true);
        }
        if fits(&entry.sizes, shape) {
            return Some(false);
        }
        let many = matches!(self.given.arrangement, Arrangement::Rows(_) | Arrangement::Columns(_));
        let (lead, rest) = entry.sizes.split_first()?;
        (many && *lead == points && (fits(rest, shape) || points == 0 && rest.is_empty())).then_some(true)
    }

    fn misdirection(&self, field: &'static str, names: &[(&str, &[usize])]) -> Failure {
        let fallback = Failure::new(Slug::InvalidPoint, format!("`{field}` does not fit the function"));
        let Some(raw) = self.envelope.direction else { return fallback };
        let what = if field == "cotangent" { "output" } else { "input" };
        let mut expected = Expected::new(what, |_| None, names.iter().map(|(name, sizes)| (*name, Some(sizes.to_vec()))));
        let lead = match self.given.arrangement {
            Arrangement::One | Arrangement::Steps(..) => Lead::Never,
            many => Lead::Perhaps(many.points()),
        };
        let field = Field { name: field, raw, body: self.body, nesting: self.limits.json_nesting, lead, whole: false };
        explain(field, &mut expected, &mut HashSet::new()).err().unwrap_or(fallback)
    }
}
