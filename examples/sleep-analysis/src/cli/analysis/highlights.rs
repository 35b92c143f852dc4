//! The few features that a sleep researcher looks at first: drawn over the night, and averaged over each stage.

use sleep_analysis::FeatureTable;
use sleep_analysis::SleepStage;
use sleep_analysis::pictures::{Track, TrackColour, TrackShape};

use super::Night;
use super::features::NightFeatures;
use crate::cli::channels::Role;

/// No more channels than this are drawn where nothing better is known.
const MOST_PLAIN: usize = 4;

/// What can be shown of a night.
pub(crate) struct Highlights {
    pub(crate) delta: Option<Highlight>,
    pub(crate) entropy: Option<Highlight>,
    pub(crate) heart_rate: Option<Highlight>,
    pub(crate) rmssd: Option<Highlight>,
    pub(crate) movement: Option<Highlight>,
    pub(crate) saturation: Option<Highlight>,
    /// Means of some channels, for a night with none of the above.
    pub(crate) plain: Vec<Highlight>,
}

/// One feature over the night.
#[derive(Debug, Clone)]
pub(crate) struct Highlight {
    /// Short, for the head of a column.
    pub(crate) short: &'static str,
    pub(crate) label: String,
    pub(crate) unit: String,
    /// The unit for the head of a column.
    pub(crate) short_unit: String,
    pub(crate) values: Vec<f64>,
    pub(crate) spread: Option<Vec<f64>>,
    shape: TrackShape,
    colour: Option<TrackColour>,
}

impl Highlights {
    pub(crate) fn of(night: &Night, features: &NightFeatures) -> Self {
        let finder = Finder { night, features: &features.table, drawn_eeg: features.drawn_eeg };
        let mut found = Self {
            delta: finder.eeg("_rel_Delta").map(|found| found.named("delta", "Delta share").in_percent()),
            entropy: finder
                .eeg("_spectral_entropy_welch")
                .map(|found| found.named("entropy", "Spectral entropy").unit("0 to 1").in_column("")),
            heart_rate: finder.with_spread(Role::HeartRate).map(|found| {
                found.named("heart", "Heart rate").unit("beats/min").in_column("bpm").coloured(TrackColour::Red)
            }),
            rmssd: finder
                .of(Role::RrIntervals, "rmssd")
                .map(|found| found.named("RMSSD", "RMSSD").unit("ms").coloured(TrackColour::Purple)),
            movement: finder.movement(),
            saturation: finder
                .with_spread(Role::OxygenSaturation)
                .map(|found| found.named("SpO2", "Oxygen saturation").unit("%").coloured(TrackColour::Blue)),
            plain: Vec::new(),
        };
        if found.all().next().is_none() {
            found.plain = finder.plain();
        }
        found
    }

    /// Everything that there is, in the order of reading.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Highlight> {
        let known = [&self.delta, &self.entropy, &self.heart_rate, &self.rmssd, &self.movement, &self.saturation];
        known.into_iter().flatten().chain(&self.plain)
    }
}

impl Highlight {
    /// As a track of a picture.
    pub(crate) fn track(&self) -> Track<'_> {
        Track {
            label: &self.label,
            unit: &self.unit,
            values: &self.values,
            spread: self.spread.as_deref(),
            shape: self.shape,
            colour: self.colour,
        }
    }

    /// The mean over the epochs of one stage; NaN where there is none.
    pub(crate) fn mean_in(&self, stages: &[Option<SleepStage>], stage: SleepStage) -> f64 {
        let of_stage = self.values.iter().zip(stages).filter(|(value, at)| **at == Some(stage) && !value.is_nan());
        let (sum, n) = of_stage.fold((0.0, 0.0), |(sum, n), (value, _)| (sum + value, n + 1.0));
        sum / n
    }

    fn named(self, short: &'static str, label: &str) -> Self {
        Self { short, label: format!("{label}, {}", self.label), ..self }
    }

    fn unit(self, unit: &str) -> Self {
        Self { unit: unit.to_owned(), short_unit: unit.to_owned(), ..self }
    }

    /// With another unit where there is little room.
    fn in_column(self, short_unit: &str) -> Self {
        Self { short_unit: short_unit.to_owned(), ..self }
    }

    fn coloured(self, colour: TrackColour) -> Self {
        Self { colour: Some(colour), ..self }
    }

    fn in_percent(self) -> Self {
        let values = self.values.iter().map(|value| 100.0 * value).collect();
        Self {
            values,
            unit: "% of the power from 0.5 to 40 Hz".into(),
            short_unit: "%".into(),
            shape: TrackShape::Filled,
            ..self
        }
    }
}

/// Looks features up by what the signals are.
struct Finder<'a> {
    night: &'a Night,
    features: &'a FeatureTable,
    drawn_eeg: Option<usize>,
}

impl Finder<'_> {
    /// A feature of the drawn EEG channel, which is the one whose spectra were kept.
    fn eeg(&self, ending: &str) -> Option<Highlight> {
        let signal = &self.night.signals[self.drawn_eeg?];
        self.column(signal.name(), &format!("{}{ending}", signal.columns().first()?.name))
    }

    fn of(&self, role: Role, feature: &str) -> Option<Highlight> {
        let idx = *self.night.with_role(role).first()?;
        self.column(self.night.signals[idx].name(), feature)
    }

    fn with_spread(&self, role: Role) -> Option<Highlight> {
        let idx = *self.night.with_role(role).first()?;
        self.mean_of(idx)
    }

    fn mean_of(&self, idx: usize) -> Option<Highlight> {
        let signal = &self.night.signals[idx];
        let column = &signal.columns().first()?.name;
        let spread = self.column(signal.name(), &format!("{column}_std"))?.values;
        let mean = self.column(signal.name(), &format!("{column}_mean"))?;
        Some(Highlight { spread: Some(spread), ..mean.unit(&self.night.channels[idx].unit) })
    }

    fn movement(&self) -> Option<Highlight> {
        let movement = self.features.columns.iter().find(|column| column.name.ends_with("|magnitude_std"))?;
        let (signal, feature) = movement.name.rsplit_once('|')?;
        let axes = [Role::Acceleration, Role::AxisX];
        let idx = axes.iter().find_map(|&role| self.night.with_role(role).first().copied())?;
        let found = self.column(signal, feature)?.named("movement", "Movement (SD of the magnitude)");
        let found = found.unit(&self.night.channels[idx].unit).coloured(TrackColour::Green);
        Some(Highlight { shape: TrackShape::Filled, ..found })
    }

    fn plain(&self) -> Vec<Highlight> {
        (0..self.night.signals.len()).filter_map(|idx| self.mean_of(idx)).take(MOST_PLAIN).collect()
    }

    fn column(&self, signal: &str, feature: &str) -> Option<Highlight> {
        let name = format!("{signal}|{feature}");
        let column = self.features.columns.iter().find(|column| column.name == name)?;
        Some(Highlight {
            short: "mean",
            label: signal.to_owned(),
            unit: String::new(),
            short_unit: String::new(),
            values: column.values.to_vec(),
            spread: None,
            shape: TrackShape::Line,
            colour: None,
        })
    }
}
