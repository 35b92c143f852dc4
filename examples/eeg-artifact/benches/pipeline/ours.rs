//! Our side, in a process of its own: by the same protocol as the peers' scripts.

use std::env;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use eeg_artifact::steps::{Aas, Highpass, Lowpass};
use eeg_artifact::{
    Channel, ChannelKind, Executor, Info, JobExecutor, Pipeline, Recording, RowStoreBuilder, SerialExecutor, Step,
    Triggers,
};
use manyhands::{AnyMode, Processes};
use serde_json::{Map, Value};

use crate::numbers::peak_bytes;
use crate::spec::{Report, Spec, Workers};

/// The variable that tells a copy of this program what to do.
pub(crate) const ASKED: &str = "EEG_ARTIFACT_BENCH_SPEC";

/// The spec's file, if this process is one of the sides.
pub(crate) fn asked_for() -> Option<PathBuf> {
    env::var_os(ASKED).map(PathBuf::from)
}

/// Reads the recording, says so, waits for the word, works, and reports.
pub(crate) fn run(file: &Path) {
    let spec: Spec = serde_json::from_slice(&std::fs::read(file).expect("the spec is there")).expect("it is a spec");
    let mut recording = read(&spec);
    println!("ready");
    io::stdin().read_line(&mut String::new()).expect("the bench says go");
    let (mut stages, begun) = (Map::new(), Instant::now());
    match spec.workers {
        Workers::Serial => clean(&spec, &mut recording, &SerialExecutor),
        Workers::Threads(workers) => clean(&spec, &mut recording, &executor(AnyMode::Threads, workers)),
        Workers::Processes(workers) => {
            let executor = executor(AnyMode::Processes(Processes::new()), workers);
            clean_in_files(&spec, &mut recording, &executor, &mut stages);
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let report = Report { seconds, stages, peak_bytes: peak_bytes(), note: String::new() };
    if let Some(output) = &spec.output {
        write(&recording, output);
    }
    println!("{}", serde_json::to_string(&report).expect("it is plain data"));
}

fn clean(spec: &Spec, recording: &mut Recording, executor: &impl Executor) {
    Pipeline::new(steps(spec)).run(recording, executor).expect("the recording can be cleaned");
}

/// What a pipeline in processes does with a recording in memory, part by part: rows go into files, and come back in the end.
fn clean_in_files(spec: &Spec, recording: &mut Recording, executor: &JobExecutor, stages: &mut Map<String, Value>) {
    let mut begun = Instant::now();
    let mut end = |part: &str| {
        stages.insert(part.to_owned(), begun.elapsed().as_secs_f64().into());
        begun = Instant::now();
    };
    let folder = env::temp_dir().join(format!("eeg-artifact-bench-{}", std::process::id()));
    recording.move_to_folder(&folder).expect("the folder can be written to"); // where they are not yet
    end("rows to files");
    clean(spec, recording, executor);
    end("pipeline");
    if spec.folder.is_none() {
        recording.move_to_memory().expect("the files can be read");
        end("rows to memory");
    }
}

fn executor(mode: AnyMode, workers: usize) -> JobExecutor {
    JobExecutor::new(mode).workers(Some(workers))
}

/// The steps that the spec asks for.
pub(crate) fn steps(spec: &Spec) -> Vec<Step> {
    let aas = Aas { window_size: spec.window, realign_after_averaging: spec.realign, ..Aas::default() };
    let highpass = spec.highpass.map(|freq| Step::Highpass(Highpass { freq }));
    let lowpass = spec.lowpass.map(|freq| Step::Lowpass(Lowpass { freq }));
    [highpass, spec.aas.then_some(Step::Aas(aas)), lowpass].into_iter().flatten().collect()
}

/// Reads the recording block by block.
pub(crate) fn read(spec: &Spec) -> Recording {
    const BLOCK: usize = 1 << 16;
    let channels = spec.names.iter().map(|name| Channel::new(name, ChannelKind::Eeg)).collect();
    let mut info = Info::new(spec.sfreq, spec.n_times, channels).expect("the spec is that of a recording");
    let mut triggers = Triggers::from_samples(spec.triggers.clone());
    triggers.artifact_length = Some(spec.artifact_length);
    triggers.volume_gaps = false;
    info.triggers = Some(triggers);
    let mut rows = match &spec.folder {
        None => RowStoreBuilder::in_memory(spec.names.len(), spec.n_times),
        Some(folder) => RowStoreBuilder::in_folder(folder, spec.names.len()).expect("the folder can be written to"),
    };
    let mut file = BufReader::new(File::open(&spec.input).expect("the recording is there"));
    let (mut bytes, mut samples) = (vec![0; BLOCK * 4], Vec::with_capacity(BLOCK));
    for channel in 0..spec.names.len() {
        let mut left = spec.n_times;
        while left > 0 {
            let bytes = &mut bytes[..left.min(BLOCK) * 4];
            file.read_exact(bytes).expect("the recording is whole");
            samples.clear();
            samples.extend(bytes.as_chunks::<4>().0.iter().map(|four| f64::from(f32::from_le_bytes(*four))));
            rows.append(channel, &samples).expect("there is room");
            left -= samples.len();
        }
    }
    Recording::from_store(info, rows.finish().expect("there is room")).expect("a row for each channel")
}

/// Writes all channels as numbers of 64 bits.
pub(crate) fn write(recording: &Recording, path: &Path) {
    let mut file = BufWriter::new(File::create(path).expect("target can be written to"));
    for channel in 0..recording.info().channels.len() {
        let written = recording
            .rows()
            .with(channel, |data| data.samples.iter().try_for_each(|sample| file.write_all(&sample.to_le_bytes())));
        written.expect("the row is there").expect("the disk has room");
    }
    file.flush().expect("the disk has room");
}
