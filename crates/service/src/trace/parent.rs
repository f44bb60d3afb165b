//! The caller's trace, as its headers have it (W3C Trace Context).

use http::HeaderMap;
use http::header::HeaderName;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// A longer state is passed on, and not kept with the span: callers could fill the queue
/// with it. It is what every tracer has to carry at least (§3.3.1.5).
const LONGEST_STATE: usize = 512;

/// The span of the caller; an empty context if it is in no trace.
pub(super) fn of(headers: &HeaderMap) -> Context {
    let carrier = Carrier {
        parent: parent(headers),
        state: state(headers),
    };
    TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier)
}

/// The one `traceparent`, if its parts are as long as they have to be: the library would
/// take shorter ones.
fn parent(headers: &HeaderMap) -> Option<&str> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let (Some(parent), None) = (given.next(), given.next()) else {
        return None;
    };
    let parent = parent.to_str().ok()?.trim();
    let is_part = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = parent.split('-').take(4);
    let lengths: Vec<_> = parts.filter(|part| is_part(part)).map(str::len).collect();
    (lengths == [2, 32, 16, 2]).then_some(parent)
}

/// All `tracestate` headers as one.
fn state(headers: &HeaderMap) -> Option<String> {
    let given = headers.get_all(TRACESTATE).iter();
    let words: Result<Vec<_>, _> = given.map(|state| state.to_str()).collect();
    let state = words.ok()?.join(",");
    (1..=LONGEST_STATE).contains(&state.len()).then_some(state)
}

struct Carrier<'h> {
    parent: Option<&'h str>,
    state: Option<String>,
}

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.parent,
            "tracestate" => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt as _;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_parent_is_whole_or_none() {
        for (parent, is_taken) in [
            (PARENT, true),
            (
                "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
                true,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later",
                false,
            ),
            (
                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                false,
            ),
            ("00-1-2-01", false),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                false,
            ),
            ("", false),
        ] {
            let context = of(&headers(&[(TRACEPARENT, parent)]));
            assert_eq!(context.has_active_span(), is_taken, "{parent}");
        }
        let two = of(&headers(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)]));
        assert!(!two.has_active_span());
    }

    #[test]
    fn the_state_of_all_lines_is_kept_up_to_a_length() {
        let state_of = |lines: &[&str]| {
            let states = lines.iter().map(|line| (TRACESTATE, *line));
            let lines: Vec<_> = states.chain([(TRACEPARENT, PARENT)]).collect();
            let context = of(&headers(&lines));
            context.span().span_context().trace_state().header()
        };
        assert_eq!(state_of(&["a=1,b=2", "c=3"]), "a=1,b=2,c=3");
        let half = format!("a={}", "x".repeat(254));
        let rest = |length| format!("b={}", "x".repeat(length));
        assert_eq!(state_of(&[&half, &rest(253)]).len(), 512);
        assert_eq!(state_of(&[&half, &rest(254)]), "");
    }
}
