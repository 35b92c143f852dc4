//! Networks of random operations: the kernels of this program against those of tract, and the widest registers against narrower ones.

use manyhands_test_support::rng::Rng;
use tract_core::internal::{Datum as _, IntoRunnable as _, SpecialOps as _, Tensor, TypedFact, TypedModel, tvec};

use super::graph::{Activation, Graph, Operation, Shape, Window};
use super::kernels::{Medium, Processor};
use super::{Layer, Network, NetworkError, fused, numbers, plain};

fn weights(rng: &mut Rng, n: usize, scale: f64) -> Vec<f32> {
    (0..n).map(|_| ((rng.fraction() - 0.5) * scale) as f32).collect()
}

/// One number of these.
fn one_of<T: Copy>(rng: &mut Rng, choices: &[T]) -> T {
    choices[rng.index(choices.len())]
}

fn window(rng: &mut Rng, input: Shape) -> Window {
    let kernel = (one_of(rng, &[1, 2, 3, 3, 5, 5]), one_of(rng, &[1, 3, 3, 5, 5, 7]));
    let stride = one_of(rng, &[1, 1, 2, 2, 3]);
    match rng.one_in(4) {
        true => Window::valid(kernel, (stride, stride)),
        false => Window::same(kernel, (stride, stride), input),
    }
}

fn convolution(rng: &mut Rng, input: Shape, window: Window) -> Operation {
    let n_outputs = one_of(rng, &[1, 2, 7, 8, 16, 17, 24, 33, 48]);
    let taps = window.kernel.0 * window.kernel.1 * input.channels;
    let weights = weights(rng, n_outputs * taps, 3.0 / (taps as f64).sqrt());
    Operation::Convolution { window, weights, bias: self::weights(rng, n_outputs, 0.4) }
}

/// An operation for an input of this shape.
fn operation(rng: &mut Rng, input: Shape) -> Operation {
    let channels = input.channels;
    match rng.index(16) {
        0 => Operation::Activate(Activation::Relu),
        1 => Operation::Activate(Activation::Relu6),
        2 | 3 => Operation::Activate(Activation::Prelu(weights(rng, channels, 1.0))),
        4..=6 => {
            let window = window(rng, input);
            let n_weights = window.kernel.0 * window.kernel.1 * channels;
            let weights = weights(rng, n_weights, 1.0);
            Operation::Depthwise { window, weights, bias: self::weights(rng, channels, 0.4) }
        }
        7..=10 => convolution(rng, input, Window::valid((1, 1), (1, 1))),
        11 => {
            let window = window(rng, input);
            convolution(rng, input, window)
        }
        12 => Operation::Double,
        13 => {
            let pads: Vec<usize> = (0..6).map(|_| rng.index(3)).collect();
            let behind = if rng.one_in(2) { [0, 0, pads[5]] } else { [pads[3], pads[4], 0] };
            let before = if rng.one_in(2) { [0; 3] } else { [pads[0], pads[1], 0] };
            Operation::Pad { before, after: behind }
        }
        14 => Operation::MaxPool,
        _ => one_of_rest(rng, input),
    }
}

fn one_of_rest(rng: &mut Rng, input: Shape) -> Operation {
    match rng.index(4) {
        0 => Operation::Mean,
        1 => Operation::DepthToSpace { block: 2 },
        2 => Operation::Reshape(Shape::new(1, input.points(), input.channels)),
        _ => Operation::Sigmoid,
    }
}

/// Operations one after the other, most of which read the one before; sums of what has the same shape; several outputs.
fn graph(rng: &mut Rng) -> Graph {
    let side = |rng: &mut Rng| 1 + rng.index(20);
    let mut graph = Graph::new(Shape::new(side(rng), side(rng), 1 + rng.index(40))).unwrap();
    for _ in 0..2 + rng.index(14) {
        let last = graph.nodes.len() - 1;
        let input = if rng.one_in(4) { rng.index(graph.nodes.len()) } else { last };
        let operation = operation(rng, graph.shape(input));
        let Ok(made) = graph.push(operation, &[input]) else { continue };
        if graph.shape(made).volume() > 40_000 {
            graph.nodes.pop();
            continue;
        }
        add_a_sum(rng, &mut graph, made);
    }
    let last = graph.nodes.len() - 1;
    graph.outputs = vec![last, rng.index(last + 1)];
    graph
}

/// The sum of a result and an earlier one of its shape, or one that has it after zeros behind its channels.
fn add_a_sum(rng: &mut Rng, graph: &mut Graph, made: usize) {
    let shape = graph.shape(made);
    let fits = |other: &usize| {
        let other = graph.shape(*other);
        (other.height, other.width) == (shape.height, shape.width) && other.channels <= shape.channels
    };
    let Some(other) = (0..made).rev().find(fits).filter(|_| !rng.one_in(4)) else { return };
    let missing = shape.channels - graph.shape(other).channels;
    let other = match missing {
        0 => other,
        _ => graph.push(Operation::Pad { before: [0; 3], after: [0, 0, missing] }, &[other]).unwrap(),
    };
    let pair = if rng.one_in(2) { [made, other] } else { [other, made] };
    graph.push(Operation::Add, &pair).unwrap();
}

fn run(model: TypedModel, shape: Shape, input: &[f32]) -> Vec<Vec<f32>> {
    let input = Tensor::from_shape(&[1, shape.height, shape.width, shape.channels], input).unwrap();
    numbers(&model.into_runnable().unwrap().run(tvec!(input.into())).unwrap()).unwrap()
}

fn bits(results: &[Vec<f32>]) -> Vec<Vec<u32>> {
    results.iter().map(|result| result.iter().map(|number| number.to_bits()).collect()).collect()
}

fn assert_close(got: &[Vec<f32>], expected: &[Vec<f32>], graph: &Graph) {
    for (got, expected) in got.iter().zip(expected) {
        assert_eq!(got.len(), expected.len());
        let largest = expected.iter().fold(1.0_f32, |largest, number| largest.max(number.abs()));
        for (k, (got, expected)) in got.iter().zip(expected).enumerate() {
            let is_close = (got - expected).abs() <= 2e-5 * largest;
            assert!(
                is_close,
                "number {k} is {got}, and {expected} by tract, of {largest} at most: {}",
                described(graph)
            );
        }
    }
}

fn described(graph: &Graph) -> String {
    let node = |node: &super::graph::Node| format!("{} of {:?} {:?}", node.operation.name(), node.inputs, node.shape);
    graph.nodes.iter().map(node).collect::<Vec<_>>().join("; ")
}

/// An output that a step leaves unwritten is not a number here, since tests fill what they take.
#[test]
fn random_networks_give_the_same_as_tract_and_the_same_bits_on_all_registers() {
    let mut rng = Rng::for_test("random_networks_give_the_same_as_tract");
    let Some(best) = Processor::detect() else { return };
    let narrower = Medium::detect().map(Processor::Medium);
    for _ in 0..400 {
        let graph = graph(&mut rng).without_unused();
        let shape = graph.input();
        let input = weights(&mut rng, shape.volume(), 2.0);
        let near = one_of(&mut rng, &[0, 1 << 20]);
        let got = run(fused::model_with(graph.clone(), best, near).unwrap(), shape, &input);
        assert_close(&got, &run(plain::wired(graph.clone()).unwrap(), shape, &input), &graph);
        if let Some(processor) = narrower {
            let narrow = run(fused::model_with(graph.clone(), processor, near).unwrap(), shape, &input);
            assert_eq!(bits(&got), bits(&narrow), "{}", described(&graph));
        }
    }
}

#[test]
fn threads_that_share_a_network_get_the_same_bits() {
    let mut rng = Rng::for_test("threads_that_share_a_network_get_the_same_bits");
    let layers = [conv(&mut rng, (3, 16), 3), conv(&mut rng, (16, 24), 1), Layer::Mean];
    let network = Network::from_layers(24, &layers, &[0, 2]).unwrap();
    let input = weights(&mut rng, 24 * 24 * 3, 2.0);
    let expected = bits(&network.run(&input).unwrap());
    let run = || (0..20).for_each(|_| assert_eq!(bits(&network.clone().run(&input).unwrap()), expected));
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(run))));
}

fn conv(rng: &mut Rng, (n_inputs, n_outputs): (usize, usize), side: usize) -> Layer {
    let weights = weights(rng, n_inputs * n_outputs * side * side, 1.0);
    Layer::Conv { kernel: (side, side), stride: 1, depthwise: false, weights, bias: vec![0.1; n_outputs], relu: true }
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let mut rng = Rng::for_test("layers_that_do_not_fit_are_named");
    let refused =
        |layers: &[Layer], outputs: &[usize]| Network::from_layers(8, layers, outputs).unwrap_err().to_string();
    let wrong = refused(&[conv(&mut rng, (3, 4), 3), conv(&mut rng, (5, 4), 1)], &[1]);
    assert!(wrong.starts_with("layer 1 (convolution) does not fit its input"), "{wrong}");
    assert!(refused(&[Layer::Again(0)], &[0]).contains("layer 0 does not come earlier"));
    assert!(refused(&[Layer::Mean], &[3]).contains("output 3 asked for, of a network that has 1"));
    assert!(Network::from_layers(0, &[Layer::Mean], &[0]).is_err());
    assert!(Network::from_layers(usize::MAX, &[Layer::Mean], &[0]).is_err());
    assert!(
        refused(&[Layer::Dense { weights: vec![0.0; 7], bias: vec![0.0; 2], relu: false }], &[0]).contains("layer 0")
    );
    let network = Network::from_layers(8, &[Layer::Mean], &[0]).unwrap();
    assert_eq!(network.run(&[0.0; 9]), Err(NetworkError::WrongInput { got: 9, expected: 192 }));
}

#[test]
fn an_operator_without_translation_is_named() {
    let mut model = TypedModel::default();
    let input = model.add_source("input", TypedFact::dt_shape(f32::datum_type(), [1, 4, 4, 3])).unwrap();
    let made = model.wire_node("made", tract_core::ops::math::exp(), &[input]).unwrap();
    model.select_output_outlets(&made).unwrap();
    let mut bytes = Vec::new();
    tract_tflite::tflite().write(&model, &mut bytes).unwrap();
    assert_eq!(Network::from_tflite(&bytes, &[0]).unwrap_err(), NetworkError::UnsupportedOperator("EXP".to_owned()));
    assert_eq!(Network::from_tflite(&bytes, &[1]).unwrap_err(), NetworkError::NoSuchOutput { index: 1, available: 1 });
}
