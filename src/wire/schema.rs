//! OpenAPI schemas written by hand: those of the types whose JSON form is written by hand too.
//!
//! The tensor's schema must not refer to itself (generators break on it): beyond a number it says "an array" and leaves the items
//! free. An argument's schema leaves inline nodes free for the same reason.

use std::borrow::Cow;

use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, Object, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType,
    Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::graph::{Graph, Input, Tensor};
use super::number::{Number, SPECIAL};

/// Named schemas, as `ToSchema` collects them.
type Schemas = Vec<(String, RefOr<Schema>)>;

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn double() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
}

fn sizes() -> ArrayBuilder {
    ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0))).description(Some("Sizes, row-major."))
}

fn free_object(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

impl PartialSchema for Tensor {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(double())
            .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(SPECIAL)))
            .item(ArrayBuilder::new().items(Object::with_type(SchemaType::AnyValue)))
            .description(Some(
                "A tensor: a number (NaN and the infinities are strings), or nested arrays of equal lengths, row-major. Requests may also say \"Inf\" and \"-Inf\".",
            ))
            .into()
    }
}

impl ToSchema for Tensor {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Tensor")
    }
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(double())
            .item(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(SPECIAL)))
            .description(Some("A number; NaN and the infinities are strings."))
            .into()
    }
}

impl ToSchema for Number {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Number")
    }
}

impl PartialSchema for Input {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(text("A name; the input is a scalar, or takes its shape from the point where that is allowed."))
            .item(
                ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .property("name", text("Its name."))
                    .property("shape", sizes())
                    .required("name")
                    .additional_properties(Some(AdditionalProperties::FreeForm(false))),
            )
            .description(Some("An input of a function."))
            .into()
    }
}

impl ToSchema for Input {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Input")
    }
}

/// What an argument or an output's value may be. Named, because generators name what they make of it.
fn argument() -> RefOr<Schema> {
    AnyOfBuilder::new()
        .item(text("The name of an input or a node."))
        .item(double())
        .item(Ref::from_schema_name("Expression"))
        .description(Some("An argument: a name, a number, an inline node or a constant."))
        .into()
}

fn expression() -> RefOr<Schema> {
    free_object("An inline node (op, args and attributes, no name), or a constant: {\"const\": tensor}.").into()
}

fn node() -> RefOr<Schema> {
    free_object("A node: an operator applied to arguments, the operator's attributes beside them.")
        .property("name", text("The name others refer to."))
        .property("op", text("An operator of GET /ops, by name or alias."))
        .property("args", ArrayBuilder::new().items(Ref::from_schema_name("Argument")))
        .required("name")
        .required("op")
        .into()
}

fn output() -> RefOr<Schema> {
    OneOfBuilder::new()
        .item(text("The name of a node or an input."))
        .item(
            ObjectBuilder::new()
                .schema_type(Type::Object)
                .property("name", text("Its name."))
                .property("value", Ref::from_schema_name("Argument"))
                .required("name")
                .required("value")
                .additional_properties(Some(AdditionalProperties::FreeForm(false))),
        )
        .description(Some("An output of a function."))
        .into()
}

impl PartialSchema for Graph {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "A function as an expression graph. Nodes stand in any order; a cycle is an error. Sharing is by name, and cost is counted a node, never a path.",
            ))
            .property("inputs", ArrayBuilder::new().items(Ref::from_schema_name("Input")).description(Some("In the order of the flattened vector x.")))
            .property("nodes", ArrayBuilder::new().items(Ref::from_schema_name("Node")))
            .property("outputs", ArrayBuilder::new().items(Ref::from_schema_name("Output")).description(Some("In the order of the flattened vector y.")))
            .property(
                "functions",
                ObjectBuilder::new()
                    .schema_type(Type::Object)
                    .description(Some("Local functions by name, each a graph."))
                    .additional_properties(Some(AdditionalProperties::FreeForm(true))),
            )
            .required("outputs")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .into()
    }
}

impl ToSchema for Graph {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Graph")
    }

    fn schemas(schemas: &mut Schemas) {
        schemas.push(("Input".to_owned(), Input::schema()));
        schemas.push(("Node".to_owned(), node()));
        schemas.push(("Argument".to_owned(), argument()));
        schemas.push(("Expression".to_owned(), expression()));
        schemas.push(("Output".to_owned(), output()));
    }
}
