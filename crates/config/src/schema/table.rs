//! The keys of the file, in the order of the documentation. Those of `renewal` stand
//! beside their numbers, in `renewal.rs`.

use super::key::{Key, Kind, Preset, Table};
use super::service::SERVICE;
use crate::duration::{SOURCE_RANGE, TIMEOUT_RANGE, Timeouts};
use crate::renewal;
use crate::setting::EnvironmentName;

/// What the file is.
pub(crate) static FILE: Kind = Kind::Table(&ROOT);

pub(super) static ROOT: Table = Table::of(&[
    Key::new(
        "version",
        Kind::count(1, 1, ""),
        "The version of this format",
    )
    .or(Preset::Required),
    Key::new(
        "default_profile",
        Kind::Text("the name of a profile"),
        "The profile that is used if nothing names another",
    ),
    Key::new(
        "profiles",
        Kind::Named("NAME", &PROFILE),
        "The profiles: up to 64 of a-z, 0-9, -, _ and . make a name, which does not begin with a dot",
    ),
    Key::new(
        "cache",
        Kind::Table(&CACHE),
        "Where obtained tokens are kept",
    ),
    Key::new(
        "service",
        Kind::Table(&SERVICE),
        "What prove-tokend serves, where and to whom",
    ),
]);

static CACHE: Table = Table::of(&[Key::new(
    "store",
    Kind::Word(&["file", "memory", "none"]),
    "file: sealed, in a folder of the user's, for all processes (Unix only); memory: for the life \
     of the process; none: each use of a token is a request",
)
.or(Preset::Word("file"))]);

static PROFILE: Table = Table {
    one_of: &["environment", "token_endpoint"],
    keys: &[
        Key::new(
            "environment",
            Kind::Word(&EnvironmentName::NAMES),
            "Where tokens come from: one of Prove's environments, or the built-in emulator",
        ),
        Key::new(
            "token_endpoint",
            Kind::Text("an https address, or http on loopback"),
            "Where tokens come from: the token endpoint of another provider",
        ),
        Key::new(
            "api_base",
            Kind::Text("an https address, or http on loopback"),
            "Where the API's operations are",
        )
        .or(Preset::Said("that of the environment")),
        Key::new(
            "client_id",
            Kind::TextOr("the client id", &CLIENT_ID),
            "The client id, or where it is; the emulator brings its own",
        ),
        Key::new(
            "client_secret",
            Kind::Table(&CLIENT_SECRET),
            "Where the client secret is, never the secret itself; the emulator brings its own",
        ),
        Key::new(
            "client_authentication",
            Kind::Word(&AUTHENTICATION),
            "How the client authenticates; client_secret_basic_raw is for servers that do not \
             decode the header",
        )
        .or(Preset::Word(AUTHENTICATION[0])),
        Key::new(
            "scope",
            Kind::Texts("a scope token of RFC 6749"),
            "The scope to ask for",
        ),
        Key::new(
            "accept_narrower_scope",
            Kind::Boolean,
            "Whether a token with a narrower scope than asked for will do",
        )
        .or(Preset::Flag(false)),
        Key::new(
            "audience",
            Kind::Text("the audience, as the server knows it"),
            "The audience to ask for",
        ),
        Key::new(
            "resource",
            Kind::Text("a resource indicator of RFC 8707"),
            "The resource to ask for",
        ),
        Key::new(
            "parameters",
            Kind::Pairs("FIELD"),
            "Extra fields of the token request",
        ),
        Key::new(
            "ca_file",
            Kind::Text("a path, from the folder of this file"),
            "The certificate authorities to trust instead of the system's, as PEM",
        )
        .or(Preset::Said("SSL_CERT_FILE, else the system's")),
        Key::new(
            "proxy",
            Kind::Text("the address of an HTTP proxy"),
            "The proxy to reach https servers through; proxy variables are never used",
        ),
        Key::new(
            "connect_timeout",
            TIMEOUT,
            "How long a connection may take, TLS included; no longer than attempt_timeout",
        )
        .or(Preset::Time(Timeouts::DEFAULT.connect)),
        Key::new(
            "attempt_timeout",
            TIMEOUT,
            "How long one request and its answer may take; no longer than flight_timeout",
        )
        .or(Preset::Time(Timeouts::DEFAULT.attempt)),
        Key::new(
            "flight_timeout",
            TIMEOUT,
            "How long all attempts of a token request may take together, and reading the secret",
        )
        .or(Preset::Time(Timeouts::DEFAULT.flight)),
        Key::new(
            "rate_limit",
            Kind::count(1, 10_000, "requests a second"),
            "The most requests to the origin of the token endpoint",
        )
        .or(Preset::Said("24 for Prove's environments, else no limit")),
        Key::new(
            "renewal",
            Kind::Table(&renewal::TABLE),
            "When tokens are renewed, and what happens when that fails",
        ),
    ],
};

const TIMEOUT: Kind = Kind::time(*TIMEOUT_RANGE.start(), *TIMEOUT_RANGE.end());

const AUTHENTICATION: [&str; 3] = [
    "client_secret_post",
    "client_secret_basic",
    "client_secret_basic_raw",
];

static CLIENT_ID: Table = Table {
    one_of: &["env", "file"],
    keys: &[
        Key::new(
            "env",
            Kind::Text("the name of an environment variable"),
            "The variable that holds the client id",
        ),
        Key::new(
            "file",
            Kind::Text("a path, from the folder of this file"),
            "The file that holds the client id alone",
        ),
    ],
};

static CLIENT_SECRET: Table = Table {
    one_of: &["env", "file", "command", "keyring", "credential"],
    keys: &[
        Key::new(
            "env",
            Kind::Text("the name of an environment variable"),
            "The variable that holds the secret",
        ),
        Key::new(
            "file",
            Kind::Text("a path, from the folder of this file"),
            "The file that holds the secret alone, which nobody else can read",
        ),
        Key::new(
            "allow_insecure_mode",
            Kind::Boolean,
            "Whether to accept the file whatever its mode",
        )
        .or(Preset::Flag(false))
        .beside(&["file"]),
        Key::new(
            "command",
            Kind::Texts("a program on PATH or by its absolute path, then its arguments"),
            "The command that prints the secret; no shell is involved",
        ),
        Key::new(
            "keyring",
            Kind::Text("the name of an entry, up to 200 bytes"),
            "The entry of the system's keyring (service prove-token) that is the secret",
        ),
        Key::new(
            "until_reboot",
            Kind::Boolean,
            "Whether the entry is in the keyring of the Linux kernel, which forgets",
        )
        .or(Preset::Flag(false))
        .beside(&["keyring"]),
        Key::new(
            "credential",
            Kind::Text("a name, without a path"),
            "The credential of systemd that is the secret: a file in CREDENTIALS_DIRECTORY",
        ),
        Key::new(
            "timeout",
            Kind::time(*SOURCE_RANGE.start(), *SOURCE_RANGE.end()),
            "How long the command or the keyring may take; no longer than flight_timeout",
        )
        .or(Preset::Said("10s for a command, 20s for a keyring"))
        .beside(&["command", "keyring"]),
    ],
};
