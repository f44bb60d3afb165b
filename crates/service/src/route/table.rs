//! Every path there is, once: routers, counters and OpenAPI go by this table.

/// A path, or the want of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Token,
    Headers,
    Grant,
    NamedGrant,
    Proxy,
    Reject,
    Profiles,
    Profile,
    Events,
    Live,
    Ready,
    Started,
    Metrics,
    OpenApi,
    State,
    Dashboard,
    Script,
    Style,
    Reload,
    /// There is nothing at this path.
    Nothing,
}

impl Route {
    /// Those of the data listeners; first those that are asked most.
    pub(crate) const DATA: [Self; 9] = [
        Self::Token,
        Self::Headers,
        Self::Grant,
        Self::NamedGrant,
        Self::Proxy,
        Self::Reject,
        Self::Profiles,
        Self::Profile,
        Self::Events,
    ];

    /// Those for probes: the health listener has no others.
    pub(crate) const HEALTH: [Self; 4] = [Self::Live, Self::Ready, Self::Started, Self::Metrics];

    /// Those of the admin listener, beside the probes'.
    pub(crate) const ADMIN: [Self; 6] = [
        Self::OpenApi,
        Self::State,
        Self::Dashboard,
        Self::Script,
        Self::Style,
        Self::Reload,
    ];

    /// Whether its requests must say that they are meant. Those of SDKs could not, and
    /// what operators look at is for browsers as well.
    pub(crate) const fn asks_intent(self) -> bool {
        matches!(
            self,
            Self::Token
                | Self::Headers
                | Self::Reject
                | Self::Profiles
                | Self::Profile
                | Self::Events
                | Self::Reload
        )
    }

    /// How many there are.
    pub(crate) const COUNT: usize = Self::Nothing as usize + 1;

    /// The path, as routers and OpenAPI write it.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Token => "/v1/token/{profile}",
            Self::Headers => "/v1/headers/{profile}",
            Self::Grant => "/token",
            Self::NamedGrant => "/oauth2/{profile}/token",
            Self::Proxy => "/proxy/{profile}/{*path}",
            Self::Reject => "/v1/token/{profile}/reject",
            Self::Profiles => "/v1/profiles",
            Self::Profile => "/v1/profiles/{profile}",
            Self::Events => "/v1/events",
            Self::Live => "/livez",
            Self::Ready => "/readyz",
            Self::Started => "/startupz",
            Self::Metrics => "/metrics",
            Self::OpenApi => "/openapi.json",
            Self::State => "/state",
            Self::Dashboard => "/",
            Self::Script => "/dashboard.js",
            Self::Style => "/dashboard.css",
            Self::Reload => "/admin/reload",
            Self::Nothing => "none",
        }
    }

    /// The profile that `path`, to which this leads, names; empty if it names none.
    pub(crate) fn profile(self, path: &str) -> &str {
        let before = index_of(self.pattern(), b'{');
        let rest = before.and_then(|before| path.get(before..));
        let part = rest.and_then(|rest| rest.split('/').next());
        part.unwrap_or_default()
    }

    /// Which of `routes` leads to `path`.
    pub(crate) fn of(routes: &[Self], path: &str) -> Self {
        let leads = |route: &&Self| matches(route.pattern(), path);
        routes.iter().find(leads).copied().unwrap_or(Self::Nothing)
    }
}

/// Where the first `byte` is. In texts this short, `str::find` takes longer to begin.
fn index_of(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|other| other == byte)
}

/// Whether `path` is of the form `pattern`, of which `{name}` is any one part and
/// `{*name}` any rest.
fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern, path);
    loop {
        let Some(open) = index_of(pattern, b'{') else {
            return pattern == path;
        };
        let Some(rest) = path.strip_prefix(&pattern[..open]) else {
            return false;
        };
        if pattern[open..].starts_with("{*") {
            return true;
        }
        let part = index_of(rest, b'/').unwrap_or(rest.len());
        let close = index_of(&pattern[open..], b'}').map(|close| open + close + 1);
        if part == 0 {
            return false;
        }
        (pattern, path) = (&pattern[close.unwrap_or(pattern.len())..], &rest[part..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_route() {
        for (path, route) in [
            ("/v1/token/local", Route::Token),
            ("/v1/token/local/reject", Route::Reject),
            ("/v1/token/", Route::Nothing),
            ("/v1/token/local/", Route::Nothing),
            ("/v1/token", Route::Nothing),
            ("/token", Route::Grant),
            ("/oauth2/a/token", Route::NamedGrant),
            ("/oauth2//token", Route::Nothing),
            ("/proxy/a/v3/start", Route::Proxy),
            ("/proxy/a/", Route::Proxy),
            ("/proxy/a", Route::Nothing),
            ("/v1/profiles", Route::Profiles),
            ("/v1/profiles/a", Route::Profile),
            ("/metrics", Route::Nothing),
            ("", Route::Nothing),
        ] {
            assert_eq!(Route::of(&Route::DATA, path), route, "{path}");
        }
        assert_eq!(Route::of(&Route::ADMIN, "/"), Route::Dashboard);
        assert_eq!(Route::of(&Route::HEALTH, "/"), Route::Nothing);
    }

    #[test]
    fn a_path_names_a_profile() {
        for (path, profile) in [
            ("/v1/token/local", "local"),
            ("/v1/token/local/reject", "local"),
            ("/oauth2/a/token", "a"),
            ("/v1/profiles", ""),
        ] {
            let route = Route::of(&Route::DATA, path);
            assert_eq!(route.profile(path), profile, "{path}");
        }
    }

    #[test]
    fn every_route_is_of_a_listener() {
        let all = [&Route::DATA[..], &Route::HEALTH, &Route::ADMIN].concat();
        assert_eq!(all.len() + 1, Route::COUNT);
        let mut patterns: Vec<_> = all.iter().map(|route| route.pattern()).collect();
        patterns.sort_unstable();
        patterns.dedup();
        assert_eq!(patterns.len(), all.len());
    }
}
