//! What is measured of a trace: the names, units and order of all metrics.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

/// A measurement of a trace. `Metric as usize` is its place in [`Metric::ALL`] and in [`Measurements`]. When
/// it is not defined, and how powers P are taken from a spectrum, is said [above](crate::measure).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// Root mean square of all samples, mean included: √(Σx²/n).
    Rms,
    /// Largest absolute sample: max |x|.
    Peak,
    /// Mean of all samples: Σx/n.
    Mean,
    /// Population standard deviation: √(Σ(x − mean)²/n).
    Std,
    /// Peak over root mean square: max |x| / √(Σx²/n).
    CrestFactor,
    /// Frequency of the bin with the most power, 0 Hz included: k·rate/n for the k in 0 ..= n/2 with the largest |X_k|², the first one on a
    /// tie. X is the discrete Fourier transform without a window.
    DominantFrequency,
    /// Frequency of the strongest bin above 0 Hz, interpolated between bins through a Hann window: (k ± (2r − 1)/(r + 1))·rate/n, where r is
    /// the magnitude of the larger neighbour over that of bin k, to its side. Source: T. Grandke, IEEE Trans. Instrum. Meas. 32 (1983).
    FundamentalFrequency,
    /// Sum of the powers of all bins from 0 Hz to half the rate, not normalised: Σ|X_k|², k = 0 ..= n/2, without a window.
    TotalPower,
    /// Power of the fundamental over that of noise, without harmonics: 10·log10(P_1/P_noise). Source: IEEE Std 1241-2010, signal to
    /// nonharmonic ratio.
    Snr,
    /// Amplitude of the harmonics over that of the fundamental: 100·√((P_2 + … + P_10)/P_1), harmonics above half the rate where they fold
    /// back to. Source: IEEE Std 1241-2010.
    Thd,
    /// Power of the fundamental over that of noise and harmonics together: 10·log10(P_1/(P_noise + P_2 + … + P_10)). Source: IEEE Std
    /// 1241-2010.
    Sinad,
    /// Mean time from 10 % to 90 % of a rising edge, between levels that are modes of the histogram. Source: IEEE Std 181-2011.
    RiseTime,
    /// Mean time from 90 % to 10 % of a falling edge. Source: IEEE Std 181-2011.
    FallTime,
    /// Share of whole periods above the middle level: 100·Σ(time from rising to falling 50 %)/Σ(period). Source: IEEE Std 181-2011.
    DutyCycle,
    /// Standard deviation of the periods T between rising 50 % instants: √(Σ(T − mean T)²/(N − 1)). Source: JEDEC JESD65B.
    PeriodJitter,
}

/// What a measurement is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// The unit of the samples, such as volts.
    Samples,
    /// The square of it.
    SamplesSquared,
    /// A ratio.
    One,
    /// Hertz.
    Hertz,
    /// Decibels.
    Decibel,
    /// Hundredths.
    Percent,
    /// Seconds.
    Seconds,
}

impl Metric {
    /// All metrics, in the order of columns.
    pub const ALL: [Self; 15] = [
        Self::Rms,
        Self::Peak,
        Self::Mean,
        Self::Std,
        Self::CrestFactor,
        Self::DominantFrequency,
        Self::FundamentalFrequency,
        Self::TotalPower,
        Self::Snr,
        Self::Thd,
        Self::Sinad,
        Self::RiseTime,
        Self::FallTime,
        Self::DutyCycle,
        Self::PeriodJitter,
    ];

    /// The name of its column.
    ///
    /// ```
    /// # use signal_batch::Metric;
    /// assert_eq!(Metric::Snr.name(), "snr_db");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rms => "rms",
            Self::Peak => "peak",
            Self::Mean => "mean",
            Self::Std => "std",
            Self::CrestFactor => "crest_factor",
            Self::DominantFrequency => "dominant_frequency",
            Self::FundamentalFrequency => "fundamental_frequency",
            Self::TotalPower => "total_power",
            Self::Snr => "snr_db",
            Self::Thd => "thd_percent",
            Self::Sinad => "sinad_db",
            Self::RiseTime => "rise_time",
            Self::FallTime => "fall_time",
            Self::DutyCycle => "duty_cycle_percent",
            Self::PeriodJitter => "period_jitter",
        }
    }

    /// What it is counted in.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::Rms | Self::Peak | Self::Mean | Self::Std => Unit::Samples,
            Self::CrestFactor => Unit::One,
            Self::DominantFrequency | Self::FundamentalFrequency => Unit::Hertz,
            Self::TotalPower => Unit::SamplesSquared,
            Self::Snr | Self::Sinad => Unit::Decibel,
            Self::Thd | Self::DutyCycle => Unit::Percent,
            Self::RiseTime | Self::FallTime | Self::PeriodJitter => Unit::Seconds,
        }
    }

    /// What it is, in a few words.
    ///
    /// ```
    /// # use signal_batch::Metric;
    /// assert_eq!(Metric::CrestFactor.meaning(), "peak / rms");
    /// ```
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Rms => "root mean square of all samples, mean included",
            Self::Peak => "largest absolute sample",
            Self::Mean => "mean of all samples",
            Self::Std => "standard deviation of all samples (n)",
            Self::CrestFactor => "peak / rms",
            Self::DominantFrequency => "bin with the most power, 0 Hz included",
            Self::FundamentalFrequency => "strongest above 0 Hz, between bins",
            Self::TotalPower => "sum of |X|^2 of all bins, not normalised",
            Self::Snr => "fundamental / noise without harmonics",
            Self::Thd => "harmonics / fundamental, amplitudes",
            Self::Sinad => "fundamental / noise and harmonics",
            Self::RiseTime => "mean time of rising edges, 10 % to 90 %",
            Self::FallTime => "mean time of falling edges, 90 % to 10 %",
            Self::DutyCycle => "share of whole periods above the middle",
            Self::PeriodJitter => "standard deviation of the periods",
        }
    }

    /// The metric whose column has this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }
}

impl Unit {
    /// Its sign, for samples in `samples`; empty for a ratio.
    ///
    /// ```
    /// # use signal_batch::{Metric, Unit};
    /// assert_eq!(Metric::Rms.unit().sign("mV"), "mV");
    /// assert_eq!(Unit::Hertz.sign("mV"), "Hz");
    /// ```
    #[must_use]
    pub fn sign(self, samples: &str) -> String {
        match self {
            Self::Samples => samples.to_owned(),
            Self::SamplesSquared => format!("{samples}\u{b2}"),
            Self::One => String::new(),
            Self::Hertz => "Hz".to_owned(),
            Self::Decibel => "dB".to_owned(),
            Self::Percent => "%".to_owned(),
            Self::Seconds => "s".to_owned(),
        }
    }
}

/// The measurements of one trace; what is not defined for it is NaN.
///
/// ```
/// # use signal_batch::{Measurements, Metric};
/// let mut measured = Measurements::undefined();
/// measured[Metric::Rms] = 0.5;
/// assert!(measured[Metric::Peak].is_nan());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measurements([f64; Metric::ALL.len()]);

impl Measurements {
    /// Nothing is defined yet.
    #[must_use]
    pub fn undefined() -> Self {
        Self([f64::NAN; Metric::ALL.len()])
    }

    /// All values, in the order of [`Metric::ALL`].
    #[must_use]
    pub fn values(&self) -> &[f64; Metric::ALL.len()] {
        &self.0
    }
}

impl Index<Metric> for Measurements {
    type Output = f64;

    fn index(&self, metric: Metric) -> &f64 {
        &self.0[metric as usize]
    }
}

impl IndexMut<Metric> for Measurements {
    fn index_mut(&mut self, metric: Metric) -> &mut f64 {
        &mut self.0[metric as usize]
    }
}
