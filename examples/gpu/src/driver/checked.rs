//! A device of wgpu whose every error comes back as a value: nothing panics, nothing waits for ever.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::adapters::ready;
use crate::GpuError;

/// A device, its queue, and what its driver said outside of any call.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    name: String,
    patience: Duration,
    trouble: Arc<Mutex<Trouble>>,
}

/// What a driver said outside of any call.
#[derive(Debug, Default)]
struct Trouble {
    /// Why the device is lost, once it is. It stays so.
    lost: Option<String>,
    /// An error that no call had caught, for the next call to tell.
    refused: Option<String>,
}

impl Checked {
    /// Takes a device, and listens to what its driver says.
    pub(super) fn new(device: wgpu::Device, queue: wgpu::Queue, name: String, patience: Duration) -> Self {
        let trouble = Arc::new(Mutex::new(Trouble::default()));
        let of_lost = Arc::clone(&trouble);
        device.set_device_lost_callback(move |reason, message| {
            let mut trouble = of_lost.lock().unwrap_or_else(PoisonError::into_inner);
            trouble.lost.get_or_insert(format!("{reason:?}: {message}"));
        });
        let of_refused = Arc::clone(&trouble);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            of_refused.lock().unwrap_or_else(PoisonError::into_inner).refused.get_or_insert(error.to_string());
        }));
        Self { device, queue, name, patience, trouble }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Does something with the device, and gives back what it made unless the driver objected. `needed` is how many bytes it asks for.
    pub(super) fn call<T>(&self, needed: u64, act: impl FnOnce() -> T) -> Result<T, GpuError> {
        self.still_there()?;
        let filters = [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation];
        let mut scopes = filters.map(|filter| Some(self.device.push_error_scope(filter)));
        let made = catch_unwind(AssertUnwindSafe(act));
        let errors = scopes.iter_mut().rev().filter_map(|scope| scope.take().and_then(|scope| ready(scope.pop())));
        let error = errors.collect::<Vec<_>>().into_iter().flatten().next();
        let failure = match (made, error) {
            (Ok(made), None) => return self.listen(wgpu::PollType::Poll).map(|()| made),
            (_, Some(error)) => self.refusal(error, needed),
            (Err(panic), None) => self.refused(panic_text(panic.as_ref())),
        };
        // A device that was lost says so once its queue is empty; until then it looks like one that refuses what it is told.
        self.listen(self.until_idle()).and(Err(failure))
    }

    /// Waits until the queue is empty, or the device counts as lost.
    pub(super) fn wait(&self) -> Result<(), GpuError> {
        let answer = self.call(0, || self.device.poll(self.until_idle()))?;
        match answer {
            Ok(_) => Ok(()),
            Err(wgpu::PollError::Timeout) => Err(self.give_up()),
            Err(error) => Err(self.refused(error.to_string())),
        }
    }

    /// Lets the driver say whether the device is lost.
    fn listen(&self, poll: wgpu::PollType) -> Result<(), GpuError> {
        // What comes of it is told by `still_there`; an error or a panic of its own is that of the call which led here.
        let _ = catch_unwind(AssertUnwindSafe(|| self.device.poll(poll)));
        self.still_there()
    }

    fn until_idle(&self) -> wgpu::PollType {
        wgpu::PollType::Wait { submission_index: None, timeout: Some(self.patience) }
    }

    /// The device is lost from now on, for this reason unless it is already.
    pub(super) fn lost(&self, reason: &str) -> GpuError {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let reason = trouble.lost.get_or_insert_with(|| reason.to_owned()).clone();
        GpuError::Lost { name: self.name.clone(), reason }
    }

    fn give_up(&self) -> GpuError {
        // Dropping the last handle waits for the queue without a limit, so a queue that is stuck keeps its handles.
        std::mem::forget((self.device.clone(), self.queue.clone()));
        self.lost(&format!("it did not answer within {:?}", self.patience))
    }

    fn still_there(&self) -> Result<(), GpuError> {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = &trouble.lost {
            return Err(GpuError::Lost { name: self.name.clone(), reason: reason.clone() });
        }
        match trouble.refused.take() {
            Some(reason) => Err(self.refused(reason)),
            None => Ok(()),
        }
    }

    fn refusal(&self, error: wgpu::Error, needed: u64) -> GpuError {
        match error {
            wgpu::Error::OutOfMemory { .. } => {
                GpuError::TooLarge { name: self.name.clone(), needed, reason: "its driver is out of memory".to_owned() }
            }
            other => self.refused(other.to_string()),
        }
    }

    fn refused(&self, reason: String) -> GpuError {
        GpuError::Refused { name: self.name.clone(), reason }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("its driver's interface panicked").to_owned()
}
