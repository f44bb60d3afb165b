//! Obtain, cache and renew OAuth 2.0 bearer tokens with the client credentials grant.
#![forbid(unsafe_code)]
