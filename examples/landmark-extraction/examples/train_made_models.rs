//! Trains the networks that the program carries and measures them on frames that the training never saw.
//!
//! `cargo run --release -p landmark-extraction --example train_made_models [FILE]` writes the weights to FILE
//! (`examples/landmark-extraction/data/made_models.bin` from the repository's root, if it is not named). Takes some minutes, in four threads.
//! With `--measure` it trains nothing and measures the weights of FILE.

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::time::Instant;

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::made::{MadeError, PartError, TrainingOptions, evaluate, models_of, train};

const FILE: &str = "examples/landmark-extraction/data/made_models.bin";
/// Neither the seed of the training nor that of the set that the program draws.
const UNSEEN: u64 = 77;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let only_measure = arguments.iter().any(|argument| argument == "--measure");
    let file = arguments.iter().find(|argument| !argument.starts_with('-')).map_or(FILE, String::as_str);
    if !only_measure {
        let start = Instant::now();
        let weights =
            train(TrainingOptions::default(), &mut |line| println!("{:6.1} s  {line}", start.elapsed().as_secs_f64()));
        std::fs::write(file, &weights)?;
        println!("{} bytes of weights in {file}", weights.len());
    }
    let extractor = Extractor::new(models_of(&std::fs::read(file)?)?, ExtractOptions::default());
    let start = Instant::now();
    let MadeError { face, hand } = evaluate(&extractor, UNSEEN, 200, 5)?;
    println!("1000 frames that the training never saw, {:.1} s with drawing", start.elapsed().as_secs_f64());
    println!("face: {}\nhand: {}", text(&face), text(&hand));
    Ok(())
}

fn text(part: &PartError) -> String {
    format!(
        "{:.2} px mean, {:.1} px largest, {:.1} % of its side in the mean, z {:.2} px; presence right in {:.2} % ({} missed, {} invented)",
        part.mean_pixels,
        part.largest_pixels,
        100.0 * part.mean_share,
        part.mean_depth_pixels,
        100.0 * part.presence_share(),
        part.missed,
        part.invented,
    )
}
