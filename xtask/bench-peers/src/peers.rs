//! The clients that ours is measured against, each with a token at hand.

mod azure;
mod google;
mod smithy;
mod yup;

pub use azure::Azure;
pub use google::Google;
pub use smithy::Smithy;
pub use yup::Yup;
