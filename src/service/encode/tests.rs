//! Answers of every arrangement, form and layout, from results that are given.

use super::{Block, Derivative, Draft, PIECE, Slot, Style, Template, answer};
use crate::engine::watch::Findings;
use crate::service::decode::{Arrangement, Form, Layout};

/// Outputs u (scalar) and v [2], inputs x (scalar) and y [2]: J is 3 × 3, its cells are numbered 11, 12, … 33.
fn jacobian(form: Form, layout: Layout, arrangement: Arrangement) -> String {
    let values = vec![Slot::new("u", &[]), Slot::new("v", &[2])];
    let derivative = Derivative::Jacobian(vec![Slot::new("x", &[]), Slot::new("y", &[2])]);
    let template = Template::new(values, derivative, &[1, 2, 9]);
    let cells = [11.0, 12.0, 13.0, 21.0, 22.0, 23.0, 31.0, 32.0, 33.0];
    let block = Block { points: 1, data: [1.0, 2.0, 3.0].into_iter().chain(cells).collect(), findings: Findings::default() };
    let blocks = if arrangement.points() == 0 { vec![] } else { vec![block] };
    text(&answer(&template, &blocks, Style { arrangement, form, layout }))
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    text.replace(".0", "")
}

#[test]
fn jacobians_in_blocks() {
    let value = r#"{"value":{"u":1,"v":[2,3]},"jacobian":"#;
    assert_eq!(
        jacobian(Form::Blocks, Layout::Numerator, Arrangement::One),
        format!(r#"{value}{{"u":{{"x":11,"y":[12,13]}},"v":{{"x":[21,31],"y":[[22,23],[32,33]]}}}}}}"#)
    );
    assert_eq!(
        jacobian(Form::Blocks, Layout::Denominator, Arrangement::One),
        format!(r#"{value}{{"x":{{"u":11,"v":[21,31]}},"y":{{"u":[12,13],"v":[[22,32],[23,33]]}}}}}}"#)
    );
}

#[test]
fn jacobians_as_matrices() {
    let value = r#"{"value":{"u":1,"v":[2,3]},"jacobian":"#;
    let outputs = r#"[{"name":"u","offset":0,"size":1},{"name":"v","offset":1,"size":2}]"#;
    let inputs = r#"[{"name":"x","offset":0,"size":1},{"name":"y","offset":1,"size":2}]"#;
    assert_eq!(
        jacobian(Form::Matrix, Layout::Numerator, Arrangement::One),
        format!(r#"{value}[[11,12,13],[21,22,23],[31,32,33]],"rows":{outputs},"columns":{inputs}}}"#)
    );
    assert_eq!(
        jacobian(Form::Matrix, Layout::Denominator, Arrangement::One),
        format!(r#"{value}[[11,21,31],[12,22,32],[13,23,33]],"rows":{inputs},"columns":{outputs}}}"#)
    );
}

#[test]
fn no_points_at_all() {
    assert_eq!(jacobian(Form::Blocks, Layout::Numerator, Arrangement::Rows(0)), r#"{"results":[]}"#);
    assert_eq!(
        jacobian(Form::Blocks, Layout::Numerator, Arrangement::Columns(0)),
        r#"{"value":{"u":[],"v":[]},"jacobian":{"u":{"x":[],"y":[]},"v":{"x":[],"y":[]}}}"#
    );
}

/// A gradient at three points, in blocks of two and one.
fn gradient(arrangement: Arrangement) -> String {
    let template = Template::new(vec![Slot::new("f", &[])], Derivative::Tensors("gradient", vec![Slot::new("x", &[2])]), &[1, 2]);
    let block = |points, data| Block { points, data, findings: Findings::default() };
    let blocks = [block(2, vec![1.0, 2.0, 10.0, 11.0, 20.0, 21.0]), block(1, vec![3.0, 30.0, 31.0])];
    text(&answer(&template, &blocks, Style { arrangement, form: Form::Blocks, layout: Layout::Numerator }))
}

#[test]
fn rows_and_columns_over_blocks() {
    assert_eq!(
        gradient(Arrangement::Rows(3)),
        r#"{"results":[{"value":{"f":1},"gradient":{"x":[10,11]}},{"value":{"f":2},"gradient":{"x":[20,21]}},{"value":{"f":3},"gradient":{"x":[30,31]}}]}"#
    );
    assert_eq!(gradient(Arrangement::Columns(3)), r#"{"value":{"f":[1,2,3]},"gradient":{"x":[[10,11],[20,21],[30,31]]}}"#);
}

/// What is left open of an answer and filled piece by piece is the answer, in every arrangement, form and layout.
#[test]
fn the_pieces_of_an_answer_are_the_answer() {
    let slots = |sizes: [&[usize]; 3]| -> Vec<Slot> {
        ["u", "v", "w"].into_iter().zip(sizes).map(|(name, sizes)| Slot::new(name, sizes)).collect()
    };
    let few: ([&[usize]; 3], [&[usize]; 3]) = ([&[], &[2], &[2, 0]], [&[3, 1], &[], &[0]]);
    let many: ([&[usize]; 3], [&[usize]; 3]) = ([&[], &[2, 41], &[1]], [&[7, 17], &[2], &[]]);
    let wide: ([&[usize]; 3], [&[usize]; 3]) = ([&[], &[2, 99], &[1]], [&[7, 17], &[2], &[]]);
    for ((outputs, inputs), points) in [(few, PIECE + PIECE / 9), (many, 1), (many, 7), (wide, 1), (wide, 3)] {
        let own = |sizes: [&[usize]; 3]| sizes.map(|sizes| sizes.iter().product::<usize>());
        let (of, by) = (own(outputs), own(inputs));
        let cells = of.iter().sum::<usize>() * by.iter().sum::<usize>();
        let square = by.iter().sum::<usize>().pow(2);
        let derivatives = [
            (Derivative::None, vec![]),
            (Derivative::Tensors("gradient", slots(inputs)), by.to_vec()),
            (Derivative::Jacobian(slots(inputs)), vec![cells]),
            (Derivative::Hessian(slots(inputs)), [&by[..], &[square]].concat()),
            (Derivative::Product(slots(inputs)), [by, by].concat()),
            (Derivative::Series(2), of.iter().flat_map(|&size| [size; 3]).collect()),
        ];
        for (derivative, results) in derivatives {
            let what = format!("{derivative:?} {points}");
            let template = Template::new(slots(outputs), derivative, &[&of[..], &results].concat());
            let blocks = || -> Vec<Block> {
                let mut number = 0.0;
                let mut block = |points| {
                    let data = (0..template.width() * points).map(|_| {
                        number += 1.0;
                        number
                    });
                    Block { points, data: data.collect(), findings: Findings::default() }
                };
                let (most, least) = (points.div_ceil(2), points.div_ceil(9));
                [most, least, points.saturating_sub(most + least)].into_iter().filter(|&points| points > 0).map(&mut block).collect()
            };
            let arrangements =
                if points == 1 { vec![Arrangement::One] } else { vec![Arrangement::Rows(points), Arrangement::Columns(points)] };
            for arrangement in arrangements {
                for form in [Form::Blocks, Form::Matrix] {
                    for layout in [Layout::Numerator, Layout::Denominator] {
                        let style = Style { arrangement, form, layout };
                        let own = if points == 1 { vec![blocks().swap_remove(0)] } else { blocks() };
                        let whole = answer(&template, &own, style);
                        let pieces = match Draft::new(&template, own, style) {
                            Ok(draft) => {
                                assert!(draft.pieces() > 1, "{what}");
                                let pieces: Vec<_> = (0..draft.pieces()).map(|number| draft.print(&template, number)).collect();
                                let most = draft.bytes(&template, 1) - 8 * template.width() * points;
                                let least = draft.least_bytes(&template);
                                assert!(least <= pieces.iter().map(Vec::len).sum() && least > 4 * PIECE, "{what}");
                                assert!(pieces.iter().all(|piece| piece.len() <= most), "{what}");
                                pieces.concat()
                            }
                            Err(whole) => {
                                assert!(template.width() * points <= PIECE * (outputs.len() + inputs.len()).pow(2), "{what}");
                                whole
                            }
                        };
                        assert!(pieces == whole, "{what} {arrangement:?} {form:?} {layout:?}");
                    }
                }
            }
        }
    }
}
