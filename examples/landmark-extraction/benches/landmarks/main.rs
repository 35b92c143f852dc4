//! Speed of the networks.

#![expect(clippy::print_stdout, reason = "the findings of a bench go to its output")]

use std::path::Path;

use landmark_extraction::network::{Kernels, Network};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let models = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/models"));
    let all: [(&str, &[usize]); 6] = [
        ("face_detection_short_range", &[0, 1]),
        ("face_landmark", &[0, 1]),
        ("palm_detection_full", &[0, 1]),
        ("hand_landmark_full", &[0, 1, 2]),
        ("pose_detection", &[0, 1]),
        ("pose_landmark_full", &[0, 1, 3]),
    ];
    let profile = std::env::args().any(|a| a == "profile");
    let mut total = 0.0;
    for (name, outputs) in all {
        let bytes = std::fs::read(models.join(format!("{name}.tflite"))).unwrap();
        let network = Network::from_tflite_with(
            &bytes,
            outputs,
            if std::env::args().any(|a| a == "tract") { Kernels::Tract } else { Kernels::best() },
        )
        .unwrap();
        let side = network.input_size();
        let input: Vec<f32> = (0..side * side * 3).map(|k| (k % 251) as f32 / 251.0).collect();
        let mut best = f64::MAX;
        for _ in 0..15 {
            let t = cpu();
            network.run(&input).unwrap();
            best = best.min(cpu() - t);
        }
        println!("{name:28} {:7.2} ms", best * 1e3);
        total += best * 1e3;
        if profile {
            let mut best: Vec<f64> = Vec::new();
            let mut last = vec![];
            for _ in 0..15 {
                last = network.profile(&input).unwrap();
                best.resize(last.len(), f64::MAX);
                for (b, s) in best.iter_mut().zip(&last) {
                    *b = b.min(s.time.as_secs_f64());
                }
            }
            for (b, s) in best.iter().zip(&last) {
                println!("    {:36} {:?} {:8.1} us", s.step, s.result, b * 1e6);
            }
        }
    }
    println!("total {total:.2} ms");
}

fn cpu() -> f64 {
    #[repr(C)]
    struct T {
        s: i64,
        n: i64,
    }
    unsafe extern "C" {
        fn clock_gettime(c: i32, t: *mut T) -> i32;
    }
    let mut t = T { s: 0, n: 0 };
    unsafe { clock_gettime(3, &mut t) };
    t.s as f64 + t.n as f64 * 1e-9
}
