//! The synthetic night: the same everywhere, believable in each signal, and with the flaws of real devices.

use std::f64::consts::TAU;
use std::sync::OnceLock;
use std::time::Duration;

use proptest::prelude::*;
use sleep_analysis::{EegSite, NightPlan, Signal, SignalKind, SleepError, SleepStage, SyntheticNight, make_signal};

const C3: SignalKind = SignalKind::Eeg(EegSite::C3);
const O1: SignalKind = SignalKind::Eeg(EegSite::O1);

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// One whole night that several tests look at.
fn night() -> &'static (NightPlan, Vec<Signal>) {
    static NIGHT: OnceLock<(NightPlan, Vec<Signal>)> = OnceLock::new();
    NIGHT.get_or_init(|| {
        let plan = SyntheticNight::new(7).plan().expect("the settings of a new night are valid");
        let signals = plan.kinds().iter().map(|kind| make_signal(&plan, kind)).collect();
        (plan, signals)
    })
}

fn signal(kind: SignalKind) -> &'static Signal {
    night().1.iter().find(|signal| signal.name() == kind.name()).expect("a new night has every kind")
}

/// FNV-1a over every timestamp and every value's bits, NaN included.
fn fingerprint(signals: &[Signal]) -> u64 {
    let stamps = signals.iter().flat_map(|signal| signal.timestamps_ns()).map(|stamp| *stamp as u64);
    let columns = signals.iter().flat_map(|signal| signal.columns());
    let values = columns.flat_map(|column| &column.values).map(|value| value.to_bits());
    let bytes = stamps.chain(values).flat_map(u64::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The mean of the finite values; NaN for none.
fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// The finite values of a column in epochs of this stage, one list per epoch without a hole.
fn epochs_of(kind: SignalKind, column: &str, stage: SleepStage) -> Vec<Vec<f64>> {
    let (plan, _) = night();
    let (stamps, values) =
        (signal(kind).timestamps_ns(), signal(kind).column(column).expect("the test names a column that is there"));
    let starts = plan.stages().iter().enumerate().filter(|(_, here)| **here == stage);
    let slice = |(epoch, _): (usize, &SleepStage)| {
        let start_ns = plan.start_ns() + epoch as i64 * 30_000_000_000;
        let first = stamps.partition_point(|stamp| *stamp < start_ns);
        let end = stamps.partition_point(|stamp| *stamp < start_ns + 30_000_000_000);
        values[first..end].to_vec()
    };
    starts.map(slice).filter(|values| values.len() > 10 && values.iter().all(|value| value.is_finite())).collect()
}

/// The power of a band of whole Hz by Goertzel sums over seconds, so that each whole frequency falls on a bin.
fn band_power(uv: &[f64], from_hz: usize, to_hz: usize) -> f64 {
    let second = |second: &[f64]| {
        // Without a Hann window the slow waves of deep sleep would leak into every band.
        let hann = |idx: usize| 0.5 - 0.5 * (TAU * idx as f64 / 100.0).cos();
        let windowed: Vec<f64> = second.iter().enumerate().map(|(idx, uv)| hann(idx) * uv).collect();
        (from_hz..=to_hz).map(|hz| goertzel(&windowed, hz as f64 / 100.0)).sum::<f64>()
    };
    mean(uv.chunks_exact(100).map(second))
}

fn goertzel(values: &[f64], turns_per_sample: f64) -> f64 {
    let twice = 2.0 * (TAU * turns_per_sample).cos();
    let (last, before) = values.iter().fold((0.0, 0.0), |(last, before), value| (value + twice * last - before, last));
    last * last + before * before - twice * last * before
}

fn stage_power(kind: SignalKind, stage: SleepStage, from_hz: usize, to_hz: usize) -> f64 {
    mean(epochs_of(kind, "uv", stage).iter().map(|uv| band_power(uv, from_hz, to_hz)))
}

fn standard_deviation(values: &[f64]) -> f64 {
    let centre = mean(values.iter().copied());
    mean(values.iter().map(|value| (value - centre).powi(2))).sqrt()
}

#[test]
fn a_seed_means_the_same_bytes_on_every_platform_and_version() {
    let signals = SyntheticNight::new(1).duration(minutes(40)).make().unwrap();
    assert_eq!(
        fingerprint(&signals),
        0xe85b_e55a_f49b_f156,
        "a seed now means another night; say so in the change log"
    );
}

#[test]
fn another_seed_is_another_night_in_every_signal() {
    let make = |seed| SyntheticNight::new(seed).duration(minutes(10)).make().unwrap();
    for (one, other) in make(1).iter().zip(&make(2)) {
        assert_ne!(fingerprint(std::slice::from_ref(one)), fingerprint(std::slice::from_ref(other)), "{}", one.name());
    }
}

#[test]
fn a_signal_is_the_same_alone_as_among_the_others() {
    let settings = SyntheticNight::new(5).duration(minutes(10));
    for (kind, among) in SignalKind::ALL.iter().zip(settings.make().unwrap()) {
        let alone = settings.clone().kinds([*kind]).make().unwrap();
        assert_eq!(fingerprint(&alone), fingerprint(&[among]), "{kind}");
    }
}

#[test]
fn a_plan_survives_the_wire_and_a_bad_one_does_not_arrive() {
    let plan = SyntheticNight::new(5).duration(minutes(10)).plan().unwrap();
    let wire = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<NightPlan>(&wire).unwrap(), plan);
    let bad = wire.replace("\"secs\":600", "\"secs\":0");
    assert!(serde_json::from_str::<NightPlan>(&bad).unwrap_err().to_string().contains("ask for 30 s to 24 h"));
}

#[test]
fn settings_that_make_no_night_are_refused_with_the_way_out() {
    let base = || SyntheticNight::new(1);
    for (settings, way_out) in [
        (base().duration(Duration::ZERO), "30 s to 24 h"),
        (base().duration(Duration::from_secs(86_401)), "30 s to 24 h"),
        (base().eeg_rate_hz(0), "64 to 1024 Hz"),
        (base().eeg_rate_hz(4096), "64 to 1024 Hz"),
        (base().start_ns(i64::MAX), "start earlier"),
        (base().kinds([]), "one or more"),
        (base().kinds([C3, O1, C3]), "ask once"),
    ] {
        let error = settings.make().unwrap_err();
        assert!(matches!(&error, SleepError::Config(reason) if reason.contains(way_out)), "{error}");
    }
}

#[test]
fn one_signal_has_the_rate_the_length_and_the_start_that_were_asked_for() {
    let settings =
        SyntheticNight::new(2).duration(Duration::from_millis(45_500)).eeg_rate_hz(256).start_ns(-1_000).kinds([C3]);
    let eeg = &settings.make().unwrap()[0];
    assert_eq!(eeg.len(), 45 * 256 + 128);
    assert_eq!(eeg.timestamps_ns()[0], -1_000);
    assert_eq!(eeg.timestamps_ns()[256], 999_999_000);
    let plan = settings.plan().unwrap();
    assert_eq!(plan.stages().len(), 2);
    assert_eq!(plan.stage_at(-1_001), None);
    assert_eq!(plan.stage_at(-1_000), Some(SleepStage::Wake));
    assert_eq!(plan.stage_at(45_500_000_000 - 1_000), None);
}

#[test]
fn each_stage_has_its_own_spectrum() {
    let delta = |stage| stage_power(C3, stage, 1, 3);
    assert!(delta(SleepStage::N3) > 5.0 * delta(SleepStage::Rem), "deep sleep is slow waves");
    assert!(delta(SleepStage::N3) > 3.0 * delta(SleepStage::N2), "N2 has fewer of them");
    let alpha = |kind, stage| stage_power(kind, stage, 9, 11);
    assert!(alpha(O1, SleepStage::Wake) > 4.0 * alpha(O1, SleepStage::N2), "rest is alpha");
    assert!(alpha(O1, SleepStage::Wake) > 2.0 * alpha(C3, SleepStage::Wake), "at the back of the head");
    let sigma = |kind, stage| stage_power(kind, stage, 13, 14);
    assert!(sigma(C3, SleepStage::N2) > 3.0 * sigma(C3, SleepStage::Rem), "N2 has spindles");
    assert!(sigma(C3, SleepStage::N2) > 1.5 * sigma(O1, SleepStage::N2), "at the top of the head");
    let theta_to_alpha = |stage| stage_power(C3, stage, 5, 7) / alpha(C3, stage);
    assert!(
        theta_to_alpha(SleepStage::N1) > 3.0 * theta_to_alpha(SleepStage::Wake),
        "the way into sleep trades alpha for theta"
    );
    let beta = |stage| stage_power(C3, stage, 17, 25);
    assert!(beta(SleepStage::Rem) > 1.5 * beta(SleepStage::N3), "REM is fast");
}

#[test]
fn slow_waves_over_75_uv_fill_a_fifth_of_deep_sleep_and_of_no_other_stage() {
    let share = |stage| mean(epochs_of(C3, "uv", stage).iter().map(|uv| tall_wave_share(uv)));
    assert!(share(SleepStage::N3) > 0.25, "{}", share(SleepStage::N3));
    for stage in [SleepStage::Wake, SleepStage::N1, SleepStage::N2, SleepStage::Rem] {
        assert!(share(stage) < 0.2, "{stage}: {}", share(stage));
    }
}

/// The share of an epoch in waves of 0.5 to 2 Hz, from rise to rise through the mean, that are taller than 75 uV.
fn tall_wave_share(uv: &[f64]) -> f64 {
    let smooth: Vec<f64> = uv.windows(25).map(|window| mean(window.iter().copied())).collect();
    let level = mean(smooth.iter().copied());
    let rises: Vec<usize> = (1..smooth.len()).filter(|&idx| smooth[idx - 1] < level && smooth[idx] >= level).collect();
    let waves = rises.windows(2).map(|pair| &smooth[pair[0]..pair[1]]).filter(|wave| (50..=200).contains(&wave.len()));
    let height = |wave: &[f64]| {
        wave.iter().fold(f64::MIN, |top, uv| top.max(*uv)) - wave.iter().fold(f64::MAX, |low, uv| low.min(*uv))
    };
    waves.filter(|wave| height(wave) > 75.0).map(<[f64]>::len).sum::<usize>() as f64 / uv.len() as f64
}

#[test]
fn the_heart_is_slow_and_steady_in_deep_sleep_and_unsteady_in_rem() {
    let level = |stage| mean(epochs_of(SignalKind::HeartRate, "hr", stage).into_iter().flatten());
    let spread = |stage| mean(epochs_of(SignalKind::HeartRate, "hr", stage).iter().map(|hr| standard_deviation(hr)));
    assert!(
        level(SleepStage::N3) + 4.0 < level(SleepStage::Wake),
        "{} {}",
        level(SleepStage::N3),
        level(SleepStage::Wake)
    );
    assert!(level(SleepStage::N3) < level(SleepStage::Rem));
    assert!(
        spread(SleepStage::Rem) > 2.0 * spread(SleepStage::N3),
        "{} {}",
        spread(SleepStage::Rem),
        spread(SleepStage::N3)
    );
}

#[test]
fn intervals_add_up_to_the_time_between_beats_and_to_the_heart_rate() {
    let (rr, hr) = (signal(SignalKind::RrIntervals), signal(SignalKind::HeartRate));
    let (beats, intervals) = (rr.timestamps_ns(), rr.column("rr_interval").unwrap());
    let follows_the_last = |idx: &usize| beats[*idx] - beats[*idx - 1] == intervals[*idx] as i64 * 1_000_000;
    let n_breaks = (1..beats.len()).filter(|idx| !follows_the_last(idx)).count();
    assert_eq!(n_breaks, 3, "only where the strap lost contact");
    let mut n_compared = 0;
    for (&now, &rate) in hr.timestamps_ns().iter().zip(hr.column("hr").unwrap()).filter(|(_, rate)| rate.is_finite()) {
        let first = beats.partition_point(|beat| *beat <= now - 8_000_000_000);
        let end = beats.partition_point(|beat| *beat <= now);
        let has_every_beat = first > 0 && end < beats.len() && (first..=end).all(|idx| follows_the_last(&idx));
        if has_every_beat {
            let expected = 60_000.0 / mean(intervals[first..end].iter().copied());
            assert!((rate - expected).abs() < 0.051, "{rate} for {expected}");
            n_compared += 1;
        }
    }
    assert!(n_compared > 27_000, "{n_compared} of 28 800 seconds compared");
}

#[test]
fn the_heart_swings_with_the_breath() {
    // The strongest period of the intervals in deep sleep, in breaths per minute, is that of the belt.
    let breaths = mean(epochs_of(SignalKind::Respiration, "resp", SleepStage::N3).into_iter().flatten());
    let beat_s = mean(epochs_of(SignalKind::RrIntervals, "rr_interval", SleepStage::N3).into_iter().flatten()) / 1000.0;
    let epochs = epochs_of(SignalKind::RrIntervals, "rr_interval", SleepStage::N3);
    let power = |per_minute: f64| {
        mean(epochs.iter().map(|rr| {
            let centre = mean(rr.iter().copied());
            goertzel(&rr.iter().map(|ms| ms - centre).collect::<Vec<_>>(), per_minute / 60.0 * beat_s)
        }))
    };
    let strongest = (8..26).map(f64::from).max_by(|one, other| power(*one).total_cmp(&power(*other))).unwrap();
    assert!((strongest - breaths).abs() <= 1.5, "{strongest} for {breaths}");
}

#[test]
fn a_few_beats_per_hour_come_early_with_a_pause_after_them() {
    let intervals = signal(SignalKind::RrIntervals).column("rr_interval").unwrap();
    let is_ectopic = |beats: &&[f64]| beats[1] < 0.85 * beats[0] && beats[2] > 1.15 * beats[0];
    let n_ectopic = intervals.windows(3).filter(is_ectopic).count();
    assert!((10..=100).contains(&n_ectopic), "{n_ectopic} in 8 h");
}

#[test]
fn the_accelerometer_feels_one_g_movements_and_turns() {
    let acc = signal(SignalKind::Accelerometer);
    let [x, y, z] = ["x", "y", "z"].map(|axis| acc.column(axis).unwrap());
    let magnitudes: Vec<f64> =
        (0..acc.len()).map(|idx| (x[idx].powi(2) + y[idx].powi(2) + z[idx].powi(2)).sqrt()).collect();
    assert!((mean(magnitudes.iter().copied()) - 1000.0).abs() < 15.0);
    let n_moving = magnitudes.iter().filter(|magnitude| (**magnitude - 1000.0).abs() > 50.0).count();
    let share = n_moving as f64 / magnitudes.len() as f64;
    assert!((0.0005..0.05).contains(&share), "moving for {share} of the night");
    // Over minutes movements average out, turns do not.
    let minute_means: Vec<f64> = z.chunks(3000).map(|minute| mean(minute.iter().copied())).collect();
    let lowest = minute_means.iter().fold(f64::MAX, |low, value| low.min(*value));
    let highest = minute_means.iter().fold(f64::MIN, |high, value| high.max(*value));
    assert!(highest - lowest > 500.0, "the sleeper turns");
    let wake = mean(epochs_of(SignalKind::Accelerometer, "x", SleepStage::Wake).iter().map(|x| standard_deviation(x)));
    let deep = mean(epochs_of(SignalKind::Accelerometer, "x", SleepStage::N3).iter().map(|x| standard_deviation(x)));
    assert!(wake > 3.0 * deep, "awake {wake}, asleep {deep}");
}

#[test]
fn a_whole_night_has_the_gaps_and_the_missing_values_of_its_devices() {
    let longest_gap_s =
        |kind| signal(kind).timestamps_ns().windows(2).map(|pair| pair[1] - pair[0]).max().unwrap() as f64 / 1e9;
    for kind in [SignalKind::HeartRate, SignalKind::Accelerometer, SignalKind::RrIntervals] {
        assert!((30.0..260.0).contains(&longest_gap_s(kind)), "{kind}: {} s", longest_gap_s(kind));
    }
    for (kind, column) in
        [(C3, "uv"), (O1, "uv"), (SignalKind::HeartRate, "hr"), (SignalKind::OxygenSaturation, "spo2")]
    {
        let values = signal(kind).column(column).unwrap();
        let share = values.iter().filter(|value| value.is_nan()).count() as f64 / values.len() as f64;
        assert!(share > 0.001 && share < 0.02, "{kind}: {share} missing");
    }
    let n_lost = 8 * 3600 * 50 - signal(SignalKind::Accelerometer).len();
    assert!((5_000..50_000).contains(&n_lost), "{n_lost} samples of the accelerometer lost");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_whole_night_cycles_through_the_stages_in_the_shares_of_an_adult(seed in any::<u64>()) {
        let plan = SyntheticNight::new(seed).plan().unwrap();
        let stages = plan.stages();
        let share = |stage| stages.iter().filter(|here| **here == stage).count() as f64 / stages.len() as f64;
        prop_assert!((0.015..0.16).contains(&share(SleepStage::Wake)), "wake {}", share(SleepStage::Wake));
        prop_assert!((0.01..0.10).contains(&share(SleepStage::N1)), "N1 {}", share(SleepStage::N1));
        prop_assert!((0.40..0.68).contains(&share(SleepStage::N2)), "N2 {}", share(SleepStage::N2));
        prop_assert!((0.10..0.25).contains(&share(SleepStage::N3)), "N3 {}", share(SleepStage::N3));
        prop_assert!((0.12..0.28).contains(&share(SleepStage::Rem)), "REM {}", share(SleepStage::Rem));
        prop_assert_eq!((stages[0], stages[stages.len() - 1]), (SleepStage::Wake, SleepStage::Wake));

        let half = |stage, half: &[SleepStage]| half.iter().filter(|here| **here == stage).count();
        prop_assert!(half(SleepStage::N3, &stages[..480]) > half(SleepStage::N3, &stages[480..]) * 3 / 2, "N3 comes early");
        prop_assert!(half(SleepStage::Rem, &stages[480..]) > half(SleepStage::Rem, &stages[..480]), "REM comes late");

        let first_epochs = first_epochs_of_rem_episodes(stages);
        prop_assert!((4..=6).contains(&first_epochs.len()), "{} REM episodes", first_epochs.len());
        for pair in first_epochs.windows(2) {
            prop_assert!((140..=280).contains(&(pair[1] - pair[0])), "{} epochs from REM to REM", pair[1] - pair[0]);
        }
        for pair in stages.windows(2).filter(|pair| pair[0] == SleepStage::Wake) {
            prop_assert!(matches!(pair[1], SleepStage::Wake | SleepStage::N1), "sleep comes by N1, not {pair:?}");
        }
        let n_awakenings = stages[..940].windows(2).filter(|pair| pair[0].is_sleep() && pair[1] == SleepStage::Wake).count();
        prop_assert!((2..=30).contains(&n_awakenings), "{n_awakenings} awakenings in the night");
        let first_rem = first_epochs[0];
        prop_assert!(stages[..first_rem].contains(&SleepStage::N3), "deep sleep comes before dreams");
    }
}

proptest! {
    // Each case makes seven signals.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_signal_of_any_length_is_in_strict_order_within_the_night(seed in any::<u64>(), seconds in 30_u64..600, rate in 64_u32..300) {
        let duration = Duration::from_secs(seconds);
        let plan = SyntheticNight::new(seed).duration(duration).eeg_rate_hz(rate).plan().unwrap();
        for kind in plan.kinds() {
            let made = make_signal(&plan, kind);
            let stamps = made.timestamps_ns();
            prop_assert!(stamps.len() > 10, "{kind} has {} rows", stamps.len());
            prop_assert!(stamps.windows(2).all(|pair| pair[0] < pair[1]), "{kind}");
            prop_assert!(stamps[0] >= plan.start_ns(), "{kind}");
            prop_assert!(stamps[stamps.len() - 1] < plan.start_ns() + duration.as_nanos() as i64, "{kind}");
            prop_assert!(made.columns().iter().all(|column| column.values.iter().all(|value| value.is_nan() || value.abs() < 10_000.0)), "{kind}");
            prop_assert!(made.columns().iter().all(|column| column.values.iter().filter(|value| value.is_finite()).count() * 10 > stamps.len() * 8), "{kind}");
        }
    }
}

/// Where REM begins, not counting what resumes within 15 min.
fn first_epochs_of_rem_episodes(stages: &[SleepStage]) -> Vec<usize> {
    let mut first_epochs = Vec::new();
    let mut last_rem = None;
    for (epoch, _) in stages.iter().enumerate().filter(|(_, stage)| **stage == SleepStage::Rem) {
        if last_rem.is_none_or(|last| epoch > last + 30) {
            first_epochs.push(epoch);
        }
        last_rem = Some(epoch);
    }
    first_epochs
}
