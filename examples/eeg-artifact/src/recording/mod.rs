//! A recording: what is known about it, and the samples of its channels, in memory or in files.

mod channel;
mod data;
mod info;
mod row_file;
mod row_store;
mod scratch;
mod triggers;

use std::path::Path;

pub use channel::{Channel, ChannelKind};
pub use data::{ChannelData, Finding};
pub(crate) use info::NO_TRIGGERS;
pub use info::{Annotation, Info};
pub use row_store::{RowFolder, RowStore, RowStoreBuilder};
pub use triggers::Triggers;

use crate::{EegError, EegResult};

/// Channels, and what is known about them.
///
/// ```
/// use eeg_artifact::{Channel, ChannelKind, Recording};
///
/// let channels = vec![Channel::new("Fp1", ChannelKind::Eeg), Channel::new("STI", ChannelKind::Stim)];
/// let recording = Recording::new(250.0, channels, vec![vec![0.0; 500], vec![0.0; 500]])?;
/// assert_eq!(recording.info().n_samples, 500);
/// # Ok::<(), eeg_artifact::EegError>(())
/// ```
#[derive(Debug)]
pub struct Recording {
    info: Info,
    rows: RowStore,
}

impl Recording {
    /// A recording in memory. Rows are in volts (stimulus channels: plain numbers), one per channel, of one length.
    ///
    /// # Errors
    /// [`EegError::Recording`] for no channels, two of one name, a number of rows that differs from that of channels, rows of unlike
    /// lengths or of none, or a rate that is not above zero.
    pub fn new(sfreq_hz: f64, channels: Vec<Channel>, rows: Vec<Vec<f64>>) -> EegResult<Self> {
        if channels.len() != rows.len() {
            let (channels, rows) = (channels.len(), rows.len());
            return Err(EegError::Recording(format!("{channels} channels and {rows} rows of samples")));
        }
        let n_samples = rows.first().map_or(0, Vec::len);
        let unlike = channels.iter().zip(&rows).find(|(_, row)| row.len() != n_samples);
        if let Some((channel, row)) = unlike {
            let reason = format!("it has {} samples, and the first channel has {n_samples}", row.len());
            return Err(EegError::channel(&channel.name, reason));
        }
        let info = Info::new(sfreq_hz, n_samples, channels)?;
        Ok(Self { info, rows: RowStore::in_memory(rows) })
    }

    /// A recording whose rows are where `rows` has them already.
    ///
    /// # Errors
    /// [`EegError::Recording`] when the number of rows differs from that of channels.
    pub fn from_store(info: Info, rows: RowStore) -> EegResult<Self> {
        if info.channels.len() != rows.len() {
            let (channels, rows) = (info.channels.len(), rows.len());
            return Err(EegError::Recording(format!("{channels} channels and {rows} rows of samples")));
        }
        Ok(Self { info, rows })
    }

    /// What is known about it.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What is known about it, to change.
    pub fn info_mut(&mut self) -> &mut Info {
        &mut self.info
    }

    /// Where its samples are.
    #[must_use]
    pub fn rows(&self) -> &RowStore {
        &self.rows
    }

    /// Where its samples are, to change.
    pub fn rows_mut(&mut self) -> &mut RowStore {
        &mut self.rows
    }

    /// A copy of a channel's samples.
    ///
    /// # Errors
    /// [`EegError::File`] when its file cannot be read, [`EegError::Recording`] when there is no such channel or its work was lost.
    pub fn samples(&self, channel: usize) -> EegResult<Vec<f64>> {
        self.rows.with(channel, |data| data.samples.clone())
    }

    /// Drops all channels but these, in this order.
    ///
    /// # Errors
    /// [`EegError::Recording`] when there is no such channel.
    pub fn keep_channels(&mut self, channels: &[usize]) -> EegResult<()> {
        if let Some(channel) = channels.iter().find(|channel| **channel >= self.info.channels.len()) {
            let n_channels = self.info.channels.len();
            return Err(EegError::Recording(format!("no channel has index {channel}; there are {n_channels}")));
        }
        self.rows.keep(channels)?;
        self.info.channels = channels.iter().map(|channel| self.info.channels[*channel].clone()).collect();
        Ok(())
    }

    /// Moves the samples into files of this folder, so that memory holds only the channels that are being processed.
    ///
    /// # Errors
    /// [`EegError::File`] when the folder cannot be written.
    pub fn move_to_folder(&mut self, folder: &Path) -> EegResult<()> {
        self.rows.move_to_folder(folder)
    }

    /// Moves the samples into memory, from the files of [`Recording::move_to_folder`].
    ///
    /// # Errors
    /// [`EegError::File`] when a file cannot be read.
    pub fn move_to_memory(&mut self) -> EegResult<()> {
        self.rows.move_to_memory()
    }
}
