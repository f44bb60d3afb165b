//! What there is of traces in a service that was not built for them: nothing, at no cost.

use http::{Extensions, Request, Response, StatusCode};
use prove_token::{ErrorKind, Event};

use super::Settings;
use crate::failure::Failure;
use crate::lookout::Watched;
use crate::peer::Peer;

#[derive(Debug)]
pub(crate) struct Traces(());

impl Traces {
    pub(crate) fn start(_: &Settings) -> Result<Self, Failure> {
        Ok(Self(()))
    }

    pub(crate) fn end(self) {}
}

#[derive(Debug, Default)]
pub(crate) struct Serving(());

impl Serving {
    pub(crate) fn begin<B>(
        _: &Watched,
        _: &Peer,
        _: &mut Request<B>,
        _: impl Fn(&str) -> bool,
    ) -> Self {
        Self(())
    }

    pub(crate) fn end(&self, _: StatusCode) {}
}

pub(crate) fn note_caller(_: &Extensions, _: &str) {}

pub(crate) fn note_profile(_: &Extensions, _: &str) {}

#[derive(Debug)]
pub(crate) struct Upstream(());

impl Upstream {
    pub(crate) fn begin<B>(_: &Extensions, _: &mut Request<B>) -> Self {
        Self(())
    }

    pub(crate) fn end<B, E>(self, _: &Result<Response<B>, E>, _: impl Fn(&E) -> &'static str) {}
}

#[derive(Debug, Default)]
pub(crate) struct Flights(());

impl Flights {
    pub(crate) fn heard(&self, _: &str, _: &Event) {}

    pub(crate) fn failed(&self, _: ErrorKind) {}
}
