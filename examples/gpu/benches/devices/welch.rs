//! Densities of a night: epochs of 30 s at 100 and at 256 samples per second.

use gpu::{Device, SPECTRUM_TOLERANCE, WelchShape};

use crate::cores::{Powers, n_cores, on_threads};
use crate::options::Options;
use crate::rounds;

pub(crate) fn compare(device: &Device, options: &Options) {
    for (n_epochs, rate) in [(960, 100), (960, 256)] {
        let shape = shape(30 * rate, 4 * rate);
        let epochs: Vec<Vec<f64>> = (0..n_epochs).map(|idx| epoch(idx, shape.n_samples)).collect();
        let slices: Vec<&[f64]> = epochs.iter().map(Vec::as_slice).collect();
        let mut batch = device.welch(&shape).expect("an epoch fits");
        let mut on_device = || batch.densities(&slices).expect("the device works");
        let on_cores = |threads| on_threads(&slices, threads, |part| densities(part, &shape));
        for (found, expected) in on_device().iter().zip(on_cores(1)) {
            let full_scale = expected.iter().fold(0.0_f64, |largest, value| largest.max(*value));
            let agrees = |(a, b): (&f64, &f64)| (a - b).abs() <= SPECTRUM_TOLERANCE * full_scale;
            assert!(found.iter().zip(&expected).all(agrees), "the densities differ");
        }
        rounds::compare(
            &format!("{n_epochs} epochs of 30 s at {rate} Hz"),
            options.rounds,
            vec![
                ("device", Box::new(|| drop(on_device()))),
                ("one core", Box::new(|| drop(on_cores(1)))),
                ("all cores", Box::new(|| drop(on_cores(n_cores())))),
            ],
        );
    }
}

fn shape(n_samples: usize, segment_len: usize) -> WelchShape {
    let hann = |i: usize| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / segment_len as f64).cos();
    WelchShape {
        n_samples,
        segment_len,
        hop: segment_len / 2,
        window: (0..segment_len).map(hann).collect(),
        scale: 1e-6,
    }
}

fn epoch(idx: usize, n_samples: usize) -> Vec<f64> {
    (0..n_samples).map(|i| (0.1 * i as f64).sin() + ((0.03 + 1e-5 * idx as f64) * (i * i % 977) as f64).cos()).collect()
}

fn densities(epochs: &[&[f64]], shape: &WelchShape) -> Vec<Vec<f64>> {
    let mut powers = Powers::new(shape.segment_len);
    epochs.iter().map(|epoch| density(epoch, shape, &mut powers)).collect()
}

fn density(epoch: &[f64], shape: &WelchShape, powers: &mut Powers) -> Vec<f64> {
    let mut density = vec![0.0; shape.segment_len / 2 + 1];
    for segment in epoch.windows(shape.segment_len).step_by(shape.hop) {
        let mean = segment.iter().sum::<f64>() / segment.len() as f64;
        let fill = |input: &mut [f64]| {
            for ((value, sample), weight) in input.iter_mut().zip(segment).zip(&shape.window) {
                *value = weight * (sample - mean);
            }
        };
        for (sum, power) in density.iter_mut().zip(powers.of(fill)) {
            *sum += power;
        }
    }
    let last = density.len() - 1;
    for (bin, value) in density.iter_mut().enumerate() {
        let has_twin = bin > 0 && !(bin == last && shape.segment_len.is_multiple_of(2));
        *value *= shape.scale * if has_twin { 2.0 } else { 1.0 };
    }
    density
}
