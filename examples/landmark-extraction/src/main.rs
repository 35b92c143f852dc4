//! The command line of landmark-extraction: folders of frames in, arrays of landmarks out.

fn main() {
    manyhands::init(); // first: in a worker process this call does the work and does not return
}
