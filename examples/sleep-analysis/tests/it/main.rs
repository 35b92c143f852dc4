//! The behaviour of sleep-analysis, one module per part.

mod made_night;
