//! The npm binding.
