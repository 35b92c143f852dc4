//! The definition of averaged artifact subtraction, sentence by sentence and without any haste, against what the step computes on
//! recordings that no reference has seen: artifacts cut by both ends, levels far from zero, triggers outside and out of order.

use eeg_artifact::{Channel, ChannelKind, Pipeline, Recording, SerialExecutor, Step, Triggers};
use serde_json::json;

use crate::golden::{assert_close, rows_of};

/// One recording and one choice of settings.
struct Definition {
    rows: Vec<Vec<f64>>,
    triggers: Vec<i64>,
    offset: i64,
    length: usize,
    window: usize,
    position: f64,
    threshold: f64,
    realigns: bool,
    radius: usize,
    fills_gaps: bool,
    is_scaled: bool,
}

impl Definition {
    /// Samples that are not there are zero; an epoch that begins before the recording is all zero.
    fn epoch(&self, row: &[f64], epoch: usize) -> Vec<f64> {
        let start = self.triggers[epoch] + self.offset;
        let at = |k: usize| usize::try_from(start).ok().and_then(|start| row.get(start + k)).copied().unwrap_or(0.0);
        (0..self.length).map(at).collect()
    }

    fn templates(&self, row: &[f64]) -> Vec<Vec<f64>> {
        let n = self.triggers.len();
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let centred: Vec<f64> = row.iter().map(|sample| sample - mean).collect();
        let shift = (self.window as f64 * self.position).trunc() as i64;
        let mut templates = Vec::new();
        for first in (0..n).step_by(self.window) {
            let mut chosen: Vec<usize> = (first..n.min(first + 5)).collect();
            let from = (first as i64 + shift).max(0);
            let to = (first as i64 + shift + self.window as i64).min(n as i64);
            for candidate in from..to {
                let candidate = candidate as usize;
                let so_far = mean_of(&chosen.iter().map(|epoch| self.epoch(row, *epoch)).collect::<Vec<_>>());
                if !chosen.contains(&candidate) && pearson(&so_far, &self.epoch(row, candidate)) > self.threshold {
                    chosen.push(candidate);
                }
            }
            let template = mean_of(&chosen.iter().map(|epoch| self.epoch(&centred, *epoch)).collect::<Vec<_>>());
            templates.extend(std::iter::repeat_n(template, self.window.min(n - first)));
        }
        templates
    }

    fn realigned(&self, row: &[f64], templates: &[Vec<f64>]) -> Vec<i64> {
        let (n_samples, reach) = (row.len() as i64, (self.length + self.radius) as i64);
        let lag = |epoch: usize| {
            let trigger = self.triggers[epoch];
            let start = trigger + self.offset;
            if trigger + reach > n_samples || trigger + reach < 0 || start > trigger + reach {
                return 0;
            }
            if start < 0 {
                return -(self.radius as i64);
            }
            let (segment, template) = (&row[start as usize..(trigger + reach) as usize], &templates[epoch]);
            let sum = |lag: i64| -> f64 {
                let there =
                    |k: usize| usize::try_from(k as i64 + lag).ok().and_then(|at| segment.get(at)).unwrap_or(&0.0);
                (0..template.len()).map(|k| template[k] * there(k)).sum()
            };
            let radius = self.radius as i64;
            (-radius..=radius)
                .fold((-radius, f64::NEG_INFINITY), |best, lag| {
                    let sum = sum(lag);
                    if sum > best.1 { (lag, sum) } else { best }
                })
                .0
        };
        (0..self.triggers.len()).map(|epoch| self.triggers[epoch] + lag(epoch)).collect()
    }

    /// The rows and triggers afterwards.
    fn compute(&self) -> (Vec<Vec<f64>>, Vec<i64>) {
        let templates: Vec<_> = self.rows.iter().map(|row| self.templates(row)).collect();
        let triggers = if self.realigns { self.realigned(&self.rows[0], &templates[0]) } else { self.triggers.clone() };
        let rows = self.rows.iter().zip(&templates).map(|(row, templates)| self.subtracted(row, templates, &triggers));
        (rows.collect(), triggers)
    }

    fn subtracted(&self, row: &[f64], templates: &[Vec<f64>], triggers: &[i64]) -> Vec<f64> {
        let mean = row.iter().sum::<f64>() / row.len() as f64;
        let (mut after, mut noise) = (row.to_vec(), vec![0.0; row.len()]);
        for (template, trigger) in templates.iter().zip(triggers) {
            let Some(start) = usize::try_from(trigger + self.offset).ok().filter(|start| *start < row.len()) else {
                continue;
            };
            let template = &template[..self.length.min(row.len() - start)];
            let dot = |a: &dyn Fn(usize) -> f64| (0..template.len()).map(|k| a(k) * template[k]).sum::<f64>();
            let energy = dot(&|k| template[k]);
            let is_scaled = self.is_scaled && energy > 2.2e-16;
            let factor = if is_scaled { dot(&|k| row[start + k] - mean) / energy } else { 1.0 };
            for (k, value) in template.iter().enumerate() {
                after[start + k] -= factor * value;
                noise[start + k] += factor * value;
            }
        }
        for pair in triggers.windows(2).filter(|_| self.fills_gaps) {
            let (end, start) = (pair[0] + self.offset + self.length as i64 - 1, pair[1] + self.offset);
            let is_inside = |at: i64| (0..row.len() as i64).contains(&at);
            if is_inside(end) && is_inside(start) && start - end > 1 {
                let (end, start) = (end as usize, start as usize);
                for at in end + 1..start {
                    let share = (at - end) as f64 / (start - end) as f64;
                    noise[at] = noise[end] + share * (noise[start] - noise[end]);
                    after[at] -= noise[at];
                }
            }
        }
        after
    }

    fn compare(&self, what: &str) {
        let channels = (0..self.rows.len()).map(|idx| Channel::new(format!("E{idx}"), ChannelKind::Eeg)).collect();
        let mut recording = Recording::new(1000.0, channels, self.rows.clone()).unwrap();
        recording.info_mut().artifact_offset_s = (self.offset as f64 + 0.5 * self.offset.signum() as f64) / 1000.0;
        recording.info_mut().triggers = Some(Triggers {
            samples: self.triggers.clone(),
            artifact_length: Some(self.length),
            ..Triggers::default()
        });
        let settings = json!({
            "window_size": self.window,
            "rel_window_position": self.position,
            "correlation_threshold": self.threshold,
            "realign_after_averaging": self.realigns,
            "search_window_factor": self.radius as f64 / 10.0 + 0.01,
            "interpolate_volume_gaps": self.fills_gaps,
            "apply_epoch_alpha_scaling": self.is_scaled,
        });
        Pipeline::new([Step::from_json("aas", &settings).unwrap()]).run(&mut recording, &SerialExecutor).unwrap();
        let (rows, triggers) = self.compute();
        assert_eq!(recording.info().triggers.as_ref().unwrap().samples, triggers, "{what}: {settings}");
        assert_close(&rows_of(&recording), &rows, 1e-13, &format!("{what}: {settings}"));
    }
}

fn mean_of(epochs: &[Vec<f64>]) -> Vec<f64> {
    let n_samples = epochs.first().map_or(0, Vec::len);
    (0..n_samples).map(|k| epochs.iter().map(|epoch| epoch[k]).sum::<f64>() / epochs.len() as f64).collect()
}

fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let mean = |list: &[f64]| list.iter().sum::<f64>() / list.len() as f64;
    let (a_mean, b_mean) = (mean(a), mean(b));
    let sum = |a: &[f64], a_mean: f64, b: &[f64], b_mean: f64| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - a_mean) * (b - b_mean)).sum()
    };
    sum(a, a_mean, b, b_mean) / (sum(a, a_mean, a, a_mean) * sum(b, b_mean, b, b_mean)).sqrt()
}

/// Numbers without a pattern.
struct Noise(u64);

impl Noise {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }

    fn is_heads(&mut self) -> bool {
        self.next() < 0.5
    }
}

fn case(seed: u64, volts: f64) -> Definition {
    let mut noise = Noise(seed * 7919 + 1);
    let (length, n_triggers) = (20 + noise.below(30), 8 + noise.below(30));
    let offset = noise.below(30) as i64 - 15;
    let mut at = noise.below(20) as i64;
    let mut triggers = Vec::new();
    for _ in 0..n_triggers {
        triggers.push(at);
        at += length as i64 + noise.below(9) as i64 - 3;
    }
    // The last artifacts are cut by the recording's end, or lie after it.
    let n_samples = (triggers[n_triggers - 3] + noise.below(length) as i64) as usize;
    if noise.is_heads() {
        triggers.extend([-40, 10 * n_samples as i64, 60]);
    }
    let level = volts * 40.0 * noise.next();
    let mut row = |scale: f64| {
        let mut row: Vec<f64> = (0..n_samples).map(|_| level + 0.3 * volts * noise.next()).collect();
        for trigger in &triggers {
            for k in 0..length {
                let at = trigger + offset + k as i64;
                if let Some(sample) = usize::try_from(at).ok().and_then(|at| row.get_mut(at)) {
                    *sample += scale * volts * (0.7 * k as f64).sin() * (k * (length - k)) as f64 / 100.0;
                }
            }
        }
        row
    };
    let rows = vec![row(1.0), row(-0.4)];
    Definition {
        rows,
        triggers,
        offset,
        length,
        window: 1 + noise.below(14),
        position: noise.below(9) as f64 / 4.0 - 1.0,
        threshold: 0.9 + 0.09 * noise.next(),
        realigns: noise.is_heads(),
        radius: 1 + noise.below(12),
        fills_gaps: noise.is_heads(),
        is_scaled: noise.is_heads(),
    }
}

#[test]
fn recordings_of_every_shape_are_corrected_as_the_definition_says() {
    for seed in 0..120 {
        case(seed, 1e-4).compare(&format!("seed {seed}"));
    }
}

#[test]
fn templates_too_small_to_be_scaled_are_subtracted_as_they_are() {
    for seed in 0..20 {
        let mut definition = case(seed, 1e-9);
        definition.is_scaled = true;
        definition.compare(&format!("seed {seed}"));
    }
}
