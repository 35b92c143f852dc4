//! Prints the devices that the drivers offer, best first, and measures a trace on the best; or says why there is none.
//!
//!     cargo run -p gpu --features wgpu --example devices

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use gpu::{Device, GpuError};

fn main() -> Result<(), GpuError> {
    for line in Device::list()? {
        println!("{line}");
    }
    let device = match Device::find() {
        Ok(device) => device,
        Err(error) => {
            println!("{error}");
            return Ok(());
        }
    };
    let trace: Vec<f64> = (0..1000).map(|i| (std::f64::consts::TAU * 50.0 * f64::from(i) / 1000.0).sin()).collect();
    let summaries = device.trace_summaries(trace.len())?.run(&[&trace])?;
    let software = if device.is_software() { ", in software" } else { "" };
    println!("{}{software}: a sine of 50 periods has its dominant bin at {}", device.name(), summaries[0].dominant_bin);
    Ok(())
}
