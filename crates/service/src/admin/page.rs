//! The dashboard: one page that reads well without its script, which only keeps it fresh.

use std::sync::Arc;

use axum::extract::State;
use http::HeaderValue;
use http::Response;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use maud::{DOCTYPE, Markup, html};

use super::View;
use super::state::{CallerView, ConnectionsView, Overview, ProfileView, TokenView};
use crate::body::Body;
use crate::metrics::RequestCount;
use crate::reply::result;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const CSS: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const JS: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");

/// Nothing but our own files, and nothing inside of others' pages.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// `GET /`
pub(super) async fn dashboard(State(view): State<Arc<View>>) -> Response<Body> {
    guarded(HTML, page(&view.overview()).into_string())
}

/// `GET /dashboard.js`
pub(super) async fn script() -> Response<Body> {
    guarded(JS, include_str!("page/dashboard.js").to_owned())
}

/// `GET /dashboard.css`
pub(super) async fn style() -> Response<Body> {
    guarded(CSS, include_str!("page/dashboard.css").to_owned())
}

fn guarded(content_type: HeaderValue, text: String) -> Response<Body> {
    let mut response = result(content_type, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn page(overview: &Overview) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "prove-tokend" }
                link rel="stylesheet" href="dashboard.css";
                script src="dashboard.js" defer {}
            }
            body {
                header {
                    h1 { "prove-tokend" }
                    p #connection role="status" {}
                }
                main { (content(overview)) }
            }
        }
    }
}

fn content(overview: &Overview) -> Markup {
    html! {
        p.about {
            "Version " (overview.version) ", up for "
            (span(overview.now.saturating_sub(overview.started_at)))
            ", seen at " (at(overview.now)) "."
        }
        section {
            h2 { "Profiles" }
            div.cards { @for profile in &overview.profiles { (card(profile)) } }
        }
        section {
            h2 { "Callers" }
            (callers(&overview.callers))
        }
        section {
            h2 { "Requests" }
            (requests(&overview.requests))
        }
        section {
            h2 { "Connections" }
            (connections(&overview.connections))
        }
    }
}

fn card(profile: &ProfileView) -> Markup {
    let (word, class) = match (&profile.token, &profile.failure) {
        (Some(_), None) => ("ready", "good"),
        (Some(_), Some(_)) => ("ready, renewal fails", "fair"),
        (None, Some(_)) => ("no token", "bad"),
        (None, None) => ("starting", "fair"),
    };
    html! {
        article class=(class) {
            h3 { (profile.profile) " " span.word { (word) } }
            @if let Some(token) = &profile.token { (life(token, profile.renewal_in)) }
            p {
                (profile.renewed) " renewed, " (profile.failed) " failed since the start."
            }
            @if let Some(failure) = &profile.failure {
                p.failure { strong { (failure.error) } ": " (failure.error_description) }
                @if let Some(hint) = &failure.hint { p.hint { (hint) } }
                @if let Some(wait) = failure.retry_after {
                    p { "Next try in " (span(wait)) "." }
                }
            }
            @for setting in &profile.insecure {
                p.failure { strong { "Not safe" } ": " code { (setting) } }
            }
        }
    }
}

fn life(token: &TokenView, renewal_in: Option<u64>) -> Markup {
    let (left, whole) = (token.expires_in.min(token.lifetime), token.lifetime.max(1));
    html! {
        progress max=(whole) value=(left) aria-label="life left" {}
        p {
            strong { (span(token.expires_in)) } " left, until " (at(token.expires_at))
            @if let Some(due) = renewal_in { "; renewal in " (span(due)) }
            "."
        }
    }
}

fn callers(callers: &[CallerView]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Caller" } th scope="col" { "Known by" }
                th scope="col" { "Gets" } th scope="col" { "Profiles" }
                th.number scope="col" { "Requests" } th.number scope="col" { "Most a second" }
                th.number scope="col" { "Over quota" }
            } }
            tbody {
                @for caller in callers {
                    tr {
                        th scope="row" { (caller.caller) }
                        td { (caller.known_by) }
                        td { (caller.hands_out) }
                        td { (caller.profiles.join(", ")) }
                        td.number { (caller.requests) }
                        td.number {
                            @match caller.rate_limit { Some(most) => (most), None => "any" }
                        }
                        td.number { (caller.over_quota) }
                    }
                }
            }
        }
    }
}

fn requests(requests: &[RequestCount]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Path" } th scope="col" { "Method" }
                th.number scope="col" { "Status" } th.number scope="col" { "Requests" }
            } }
            tbody {
                @for one in requests {
                    tr {
                        th scope="row" { code { (one.route) } }
                        td { (one.method) }
                        td.number { (one.status) }
                        td.number { (one.count) }
                    }
                }
            }
        }
    }
}

fn connections(connections: &[ConnectionsView]) -> Markup {
    html! {
        table {
            thead { tr {
                th scope="col" { "Listener" } th.number scope="col" { "Open" }
                th.number scope="col" { "Refused" } th.number scope="col" { "Given up" }
            } }
            tbody {
                @for one in connections {
                    tr {
                        th scope="row" { (one.listener) }
                        td.number { (one.open) }
                        td.number { (one.refused) }
                        td.number { (one.given_up) }
                    }
                }
            }
        }
    }
}

/// So many seconds, in words.
fn span(seconds: u64) -> String {
    match (
        seconds / 86_400,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
    ) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes:02} min"),
        (days, hours, ..) => format!("{days} d {hours:02} h"),
    }
}

/// Seconds since 1970, in UTC.
fn at(seconds: u64) -> Markup {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let text =
        jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |at| at.to_string());
    html! { time datetime=(text) { (text.replace('T', " ").replace('Z', " UTC")) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_words() {
        for (seconds, words) in [
            (0, "0 s"),
            (61, "1 min 01 s"),
            (3600, "1 h 00 min"),
            (90_000, "1 d 01 h"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn names_are_escaped() {
        let profile = ProfileView {
            profile: "<script>alert(1)</script>".to_owned(),
            token: None,
            renewal_in: None,
            failure: None,
            renewed: 0,
            failed: 0,
            insecure: Vec::new(),
        };
        let text = card(&profile).into_string();
        assert!(
            text.contains("&lt;script&gt;") && !text.contains("<script>"),
            "{text}"
        );
    }
}
