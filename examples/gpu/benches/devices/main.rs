//! A graphics processor beside the processor's cores: how long the same work takes on either side.
//!
//! Each round does the work on the device, on one core, and on all cores with double precision, in turn; the figures agree before anything is
//! timed. A device in software is no answer to the question, so it is measured only when asked for.
//!
//!     cargo bench -p gpu --features wgpu --bench devices -- [traces] [welch] [boxes] [--software] [--rounds N]
//!
//! Without a section named, all are done.

#![expect(clippy::print_stdout, reason = "the findings of a bench go to its output")]

mod boxes;
mod cores;
mod options;
mod rounds;
mod traces;
mod welch;

use gpu::Device;
use options::Options;

fn main() {
    let options = Options::from_arguments();
    let device = match Device::find() {
        Ok(device) => device,
        Err(error) => {
            println!("SKIPPED: {error}");
            return;
        }
    };
    println!("{}, beside {} cores", device.name(), cores::n_cores());
    if device.is_software() && !options.with_software {
        println!("SKIPPED: it is software on the same cores; --software measures it all the same");
        return;
    }
    let sections: [(&str, fn(&Device, &Options)); 3] =
        [("traces", traces::compare), ("welch", welch::compare), ("boxes", boxes::compare)];
    for (name, section) in sections {
        if options.wants(name) {
            println!("\n## {name}\n");
            section(&device, &options);
        }
    }
}
