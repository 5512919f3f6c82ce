//! restis
