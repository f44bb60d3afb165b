//! Where the question goes.
