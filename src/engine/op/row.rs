//! The shape of a row of the operator table.

use super::super::graph::{Builder, NodeId};
use super::super::{Error, Shape};
use super::{Attribute, Attributes, Fact, Facts, Here, There};
use crate::engine::exec::elementwise::{Elementwise, Together};
use crate::engine::exec::opcode::Opcode;
use crate::engine::program::layout::Layout;

/// An operator: what it is called, what it means, how it differentiates, how it runs.
pub struct Row {
    /// The canonical name.
    pub name: &'static str,
    /// Other names accepted on input; symbols such as `+` among them.
    pub aliases: &'static [&'static str],
    /// The family it is listed under.
    pub family: Family,
    /// How many arguments it takes.
    pub arity: Arity,
    /// The attributes it takes.
    pub attributes: &'static [Attribute],
    /// What it computes, in one line.
    pub summary: &'static str,
    /// Its derivative, in one line.
    pub derivative: &'static str,
    /// What holds at its kinks and poles and outside its domain; empty where there is nothing to say.
    pub convention: &'static str,
    /// The same as predicates: where kinks and poles are.
    pub facts: Facts,
    /// Estimated flops an element of the result.
    pub flops: u32,
    /// How it is done for a single number, where it is elementwise.
    pub opcode: Opcode,
    /// An operator that shares work with it, where it is elementwise.
    pub twin: Option<Twin>,
    /// What it does.
    pub rule: Rule,
}

/// An operator that shares work with another one of the same first argument, and both over a tile.
#[derive(Clone, Copy)]
pub struct Twin {
    /// The other one.
    pub with: fn() -> &'static Row,
    /// The own one's results first; `None` where the other one has it.
    pub tile: Option<Together>,
}

/// How many arguments an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arity {
    /// At least this many.
    pub least: usize,
    /// At most this many; `None` for any number.
    pub most: Option<usize>,
}

impl Arity {
    /// Exactly `n` arguments.
    pub const fn exactly(n: usize) -> Arity {
        Arity { least: n, most: Some(n) }
    }

    /// `n` arguments or more.
    pub const fn at_least(n: usize) -> Arity {
        Arity { least: n, most: None }
    }

    /// Whether `n` arguments are right.
    pub fn admits(self, n: usize) -> bool {
        n >= self.least && self.most.is_none_or(|most| n <= most)
    }

    /// In words: `2`, `1 or more`.
    pub fn words(self) -> String {
        match self.most {
            Some(most) if most == self.least => most.to_string(),
            Some(most) => format!("{} to {most}", self.least),
            None => format!("{} or more", self.least),
        }
    }
}

/// The families of the operator table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `+ − × ÷`, powers and roots.
    Arithmetic,
    /// To integers; derivative 0.
    Rounding,
    /// Exponentials and logarithms.
    Exponential,
    /// Circular functions.
    Trigonometric,
    /// Hyperbolic functions.
    Hyperbolic,
    /// Comparison and logic; derivative 0.
    Logic,
    /// One of several arguments.
    Choice,
    /// Activation functions of neural networks.
    Activation,
    /// Special functions.
    Special,
    /// Over axes.
    Reduction,
    /// Normalisers over an axis.
    Normaliser,
    /// Rearrangements.
    Shape,
    /// Sums of products.
    Product,
    /// Solutions, determinants, decompositions.
    LinearAlgebra,
    /// Loops, calls and implicit functions.
    Structure,
    /// What derivatives are made of and functions seldom need.
    Calculus,
}

impl Family {
    /// The family's name in `GET /ops`.
    pub fn name(self) -> &'static str {
        match self {
            Family::Arithmetic => "arithmetic",
            Family::Rounding => "rounding",
            Family::Exponential => "exponential",
            Family::Trigonometric => "trigonometric",
            Family::Hyperbolic => "hyperbolic",
            Family::Logic => "comparison and logic",
            Family::Choice => "choice",
            Family::Activation => "activation",
            Family::Special => "special",
            Family::Reduction => "reductions",
            Family::Normaliser => "normalisers",
            Family::Shape => "shape",
            Family::Product => "products",
            Family::LinearAlgebra => "linear algebra",
            Family::Structure => "structure",
            Family::Calculus => "calculus",
        }
    }
}

/// The local derivative of a scalar operator by one of its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// Structurally 0: no term at all.
    Zero,
    /// Exactly 1: the term is the tangent (or cotangent) itself.
    One,
    /// Exactly −1.
    MinusOne,
    /// A node, multiplied in by the chain rule's product.
    Node(NodeId),
    /// The term passes where this node is true and is 0 elsewhere: routed, never multiplied.
    Where(NodeId),
    /// The term passes where this node is false and is 0 elsewhere.
    WhereNot(NodeId),
}

/// An application y = op(args) whose derivative is wanted.
#[derive(Clone, Copy)]
pub struct Application<'a> {
    /// The arguments.
    pub args: &'a [NodeId],
    /// The operator's attributes, canonical.
    pub attributes: &'a Attributes,
    /// The result.
    pub y: NodeId,
}

/// The partial of a scalar operator by argument `i`, as nodes.
pub type PartialRule = fn(&mut Builder, Application<'_>, i: usize) -> Result<Partial, Error>;

/// The result's shape, and the attributes in canonical form (axes counted from the front, defaults filled in).
pub type ShapeRule = fn(&'static Row, &[Shape], Attributes) -> Result<(Shape, Attributes), Error>;

/// The operator written with simpler ones.
pub type Expansion = fn(&mut Builder, &[NodeId], &Attributes) -> Result<NodeId, Error>;

/// Tangent of the result from those of the arguments (`None` is a structural zero; at least one is there).
pub type JvpRule = fn(&mut Builder, Application<'_>, dots: &[Option<NodeId>]) -> Result<Option<NodeId>, Error>;

/// Cotangent of argument `i` from that of the result.
pub type VjpRule = fn(&mut Builder, Application<'_>, bar: NodeId, i: usize) -> Result<Option<NodeId>, Error>;

/// As [`ShapeRule`], a shape a result.
pub type ResultsRule = fn(&'static Row, &[Shape], Attributes) -> Result<(Vec<Shape>, Attributes), Error>;

/// Tangents of the results from those of the arguments (`None` is a structural zero; at least one is there).
pub type SeveralJvpRule = fn(&mut Builder, Application<'_>, dots: &[Option<NodeId>]) -> Result<Vec<Option<NodeId>>, Error>;

/// Taylor coefficients c₁ … c_`order` of the results from those of the arguments (`None` is a structural zero; at least one is there).
pub type SeriesRule =
    fn(&mut Builder, Application<'_>, coefficients: &[Vec<Option<NodeId>>], order: usize) -> Result<Vec<Vec<Option<NodeId>>>, Error>;

/// Cotangents of the arguments from those of the results: `None` where nothing flows back (at least one is there). Only those of
/// `wanted` arguments are looked at.
pub type SeveralVjpRule = fn(&mut Builder, Application<'_>, bars: &[Option<NodeId>], wanted: &[bool]) -> Result<Vec<Option<NodeId>>, Error>;

/// What an operator does.
pub enum Rule {
    /// Elementwise with broadcasting.
    Scalar {
        /// Computes it.
        function: Elementwise,
        /// Differentiates it.
        partials: PartialRule,
    },
    /// A linear rearrangement of one argument that is a strided view of it.
    View {
        /// Shape rule.
        shape: ShapeRule,
        /// The view, given where the argument lies and the result's shape.
        layout: fn(&Layout, &Shape, &Attributes) -> Layout,
        /// Its transpose.
        transpose: VjpRule,
    },
    /// One of the few tensor kernels.
    Primitive {
        /// Shape rule.
        shape: ShapeRule,
        /// Which kernel.
        primitive: Primitive,
        /// Forward rule.
        jvp: JvpRule,
        /// Reverse rule.
        vjp: VjpRule,
    },
    /// Written with other operators when it runs, and differentiated as such unless it has rules of its own.
    Composite {
        /// Shape rule.
        shape: ShapeRule,
        /// What it stands for.
        expansion: Expansion,
        /// Careful forward and reverse rules; `None`: those of the expansion.
        derivative: Option<(JvpRule, VjpRule)>,
    },
    /// Several results, which `item` picks from.
    Several {
        /// Shape rule, a shape a result.
        results: ResultsRule,
        /// What the results are called.
        names: fn(&Attributes) -> Vec<String>,
        /// What computes them.
        does: Does,
        /// Forward rule; `None`: that of the expansion.
        jvp: Option<SeveralJvpRule>,
        /// Reverse rule; `None`: that of the expansion.
        vjp: Option<SeveralVjpRule>,
        /// Series rule; `None`: what follows from the forward rule.
        series: Option<SeriesRule>,
    },
    /// One result of a several-valued node.
    Item,
    /// Gone before operators are applied: calls are inlined while a graph is read.
    Resolved,
}

/// As [`Expansion`], a node a result.
pub type SeveralExpansion = fn(&mut Builder, &[NodeId], &Attributes) -> Result<Vec<NodeId>, Error>;

/// How several results are had.
pub enum Does {
    /// By a kernel.
    Kernel(Several),
    /// Written with other operators: a node a result.
    Expansion(SeveralExpansion),
}

/// The kernels that have several results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Several {
    /// A function over each entry of leading axes.
    Map,
    /// A function over and over, its results carried from step to step.
    Scan,
    /// Dense linear algebra on the last two axes.
    Dense(Dense),
}

/// The tensor kernels beneath everything that is not elementwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Primitive {
    /// Row-major elements under another shape.
    Reshape,
    /// Arguments one after another along an axis.
    Concat,
    /// Elements of one axis by a constant table.
    Take,
    /// The first argument with slices of the second added by a constant table.
    ScatterAdd,
    /// The argument placed in a tensor of zeros: the transpose of `slice`.
    Embed,
    /// A fold over axes.
    Reduce(Fold),
    /// Batched matrix product.
    Matmul,
    /// Dense linear algebra on the last two axes.
    Dense(Dense),
    /// A running fold along an axis.
    Scan(Scan),
    /// Along an axis, by the order that sorts the first argument.
    Sort(Sorting),
    /// Piecewise linear between constant knots, or the slope of that.
    Interpolate {
        /// The slope instead of the value.
        slope: bool,
    },
    /// Discrete convolution of two vectors.
    Convolve,
}

/// The routines of dense linear algebra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dense {
    /// Elimination with partial pivoting; no operator of its own, but shared by those that begin with it.
    Lu,
    /// A⁻¹·B after elimination.
    Solve,
    /// A⁻¹ after elimination.
    Inv,
    /// det A after elimination.
    Det,
    /// The sign of det A and log|det A| after elimination.
    Slogdet,
    /// T⁻¹·B.
    TriangularSolve,
    /// The lower Cholesky factor of (A + Aᵀ)/2.
    Cholesky,
    /// The cofactors of the first argument, or their derivative along the others.
    Cofactor,
    /// Eigenvalues and eigenvectors of (A + Aᵀ)/2.
    Eigh,
    /// Singular vectors, values, vectors.
    Svd,
    /// Orthonormal columns and an upper triangle.
    Qr,
    /// The exponential.
    Expm,
    /// The derivative of the exponential of the first argument along the second.
    ExpmDerivative,
    /// The Moore–Penrose inverse.
    Pinv,
}

impl Dense {
    /// Whether it reads its first argument as [`Dense::Lu`] has factored it.
    pub(crate) fn is_after_elimination(self) -> bool {
        matches!(self, Dense::Solve | Dense::Inv | Dense::Det | Dense::Slogdet)
    }
}

/// How a running fold goes from one element to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scan {
    /// sᵢ = sᵢ₋₁ + xᵢ
    Sum,
    /// sᵢ = sᵢ₋₁ · xᵢ
    Product,
    /// sᵢ = aᵢ · sᵢ₋₁ + bᵢ, where the first is b alone.
    Affine,
}

/// What is written by the order that sorts a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sorting {
    /// The line itself, sorted.
    Values,
    /// Another line in that order; equals of the first get the mean of what is theirs.
    Take,
    /// Another line put back from that order: the transpose of `Take`.
    Put,
}

/// How a reduction folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    /// By addition, in one fixed tree.
    Sum,
    /// The largest; NaN where there is one.
    Max,
    /// The smallest; NaN where there is one.
    Min,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Row) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Row {}

impl Row {
    /// A row with its rule and nothing said yet.
    pub(super) const fn new(name: &'static str, family: Family, arity: Arity, rule: Rule) -> Row {
        let (facts, opcode) = (Facts::NONE, Opcode::Many);
        Row {
            name,
            aliases: &[],
            family,
            arity,
            attributes: &[],
            summary: "",
            derivative: "",
            convention: "",
            facts,
            flops: 1,
            opcode,
            twin: None,
            rule,
        }
    }

    /// An elementwise operator.
    pub(super) const fn scalar(name: &'static str, family: Family, function: Elementwise, partials: PartialRule) -> Row {
        let mut row = Row::new(name, family, Arity::exactly(function.arity()), Rule::Scalar { function, partials });
        row.opcode = match function {
            Elementwise::Unary(_) => Opcode::Unary,
            Elementwise::Binary(_) => Opcode::Binary,
            Elementwise::Ternary(_) | Elementwise::Wide(_) => Opcode::Many,
        };
        row
    }

    /// Written out in the loop over single numbers.
    pub(super) const fn inlined(mut self, opcode: Opcode) -> Row {
        self.opcode = opcode;
        self
    }

    /// With an operator of the same first argument that shares work with it.
    pub(super) const fn shares_with(mut self, with: fn() -> &'static Row, tile: Together) -> Row {
        self.twin = Some(Twin { with, tile: Some(tile) });
        self
    }

    /// With an operator that says so with [`Row::shares_with`].
    pub(super) const fn shared_by(mut self, with: fn() -> &'static Row) -> Row {
        self.twin = Some(Twin { with, tile: None });
        self
    }

    /// An elementwise operator that is constant between its steps.
    pub(super) const fn step(name: &'static str, family: Family, function: Elementwise) -> Row {
        let mut row = Row::scalar(name, family, function, |_, _, _| Ok(Partial::Zero));
        row.derivative = "0";
        row.convention = "derivative 0 everywhere, at the steps and at NaN too";
        row
    }

    /// With other names.
    pub(super) const fn alias(mut self, aliases: &'static [&'static str]) -> Row {
        self.aliases = aliases;
        self
    }

    /// With any number of arguments from one, folded from the left.
    pub(super) const fn variadic(mut self) -> Row {
        self.arity = Arity::at_least(1);
        self
    }

    /// Whether any number of arguments other than two is written as a chain of twos while a graph is built. Ties share among all
    /// arguments alike, so the choices stay whole.
    pub(crate) fn folds_when_built(&self) -> bool {
        self.arity.most.is_none() && self.family == Family::Arithmetic
    }

    /// With attributes.
    pub(super) const fn takes(mut self, attributes: &'static [Attribute]) -> Row {
        self.attributes = attributes;
        self
    }

    /// What it computes and its derivative.
    pub(super) const fn says(mut self, summary: &'static str, derivative: &'static str) -> Row {
        self.summary = summary;
        self.derivative = derivative;
        self
    }

    /// What it computes.
    pub(super) const fn is(mut self, summary: &'static str) -> Row {
        self.summary = summary;
        self
    }

    /// What holds at its edges.
    pub(super) const fn at_edges(mut self, convention: &'static str) -> Row {
        self.convention = convention;
        self
    }

    /// Elementwise: where the derivative is chosen among several, or the value jumps.
    pub(super) const fn kink(mut self, at: fn(&Here<'_>) -> bool) -> Row {
        self.facts.kink = Fact::Here(at);
        self
    }

    /// Elementwise: where the value or the derivative is infinite.
    pub(super) const fn pole(mut self, at: fn(&Here<'_>) -> bool) -> Row {
        self.facts.pole = Fact::Here(at);
        self
    }

    /// Elementwise: where a derivative is NaN although the value is not.
    pub(super) const fn edge(mut self, at: fn(&Here<'_>) -> bool) -> Row {
        self.facts.edge = Fact::Here(at);
        self
    }

    /// On whole tensors: as [`Row::kink`].
    pub(super) const fn kink_of(mut self, of: fn(&There<'_>) -> bool) -> Row {
        self.facts.kink = Fact::There(of);
        self
    }

    /// On whole tensors: as [`Row::pole`].
    pub(super) const fn pole_of(mut self, of: fn(&There<'_>) -> bool) -> Row {
        self.facts.pole = Fact::There(of);
        self
    }

    /// On whole tensors: as [`Row::edge`], or that the result is not what was asked for.
    pub(super) const fn edge_of(mut self, of: fn(&There<'_>) -> bool) -> Row {
        self.facts.edge = Fact::There(of);
        self
    }

    /// Estimated flops an element.
    pub(super) const fn costs(mut self, flops: u32) -> Row {
        self.flops = flops;
        self
    }
}

/// Declares the rows of a family and `ROWS`, the list of them.
macro_rules! rows {
    ($($name:ident = $row:expr;)*) => {
        $(
            #[doc = concat!("The row ", stringify!($name), ".")]
            pub static $name: Row = $row;
        )*
        /// The rows of this family.
        pub(in crate::engine::op) static ROWS: &[&Row] = &[$(&$name),*];
    };
}
pub(super) use rows;
