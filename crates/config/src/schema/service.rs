//! The keys of `[service]`.

use super::key::{Key, Kind, Preset, Table};

const ADDRESS: &str = "an address to listen on: unix:/path, 127.0.0.1:7878 or tls:0.0.0.0:7443";

pub(super) static SERVICE: Table = Table::of(&[
    Key::new(
        "listen",
        Kind::Texts(ADDRESS),
        "Where callers come; TCP beyond this machine has to be TLS",
    )
    .or(Preset::Said(
        "prove-token.sock in RUNTIME_DIRECTORY or XDG_RUNTIME_DIR",
    )),
    Key::new(
        "admin_listen",
        Kind::Text(ADDRESS),
        "Where operators come: a Unix socket or loopback",
    ),
    Key::new(
        "health_listen",
        Kind::Text(ADDRESS),
        "Where probes come, to look only: any address, without TLS",
    ),
    Key::new(
        "tls",
        Kind::Table(&TLS),
        "The certificate for tls: addresses",
    ),
    Key::new(
        "callers",
        Kind::Tables(&CALLER),
        "Who may call; without any, whoever the Unix socket's mode lets in: its owner",
    ),
    Key::new(
        "sinks",
        Kind::Tables(&SINK),
        "Files in which a profile's token is kept fresh",
    ),
]);

static TLS: Table = Table::of(&[
    Key::new(
        "certificate_file",
        Kind::Text("a path, from the folder of this file"),
        "The chain in PEM, the server's own certificate first",
    )
    .or(Preset::Required),
    Key::new(
        "key_file",
        Kind::Text("a path, from the folder of this file"),
        "Its private key in PEM, which nobody else can read",
    )
    .or(Preset::Required),
]);

pub(super) static CALLER: Table = Table {
    one_of: &["key_hash", "uid", "gid"],
    keys: &[
        Key::new(
            "name",
            Kind::Text("up to 64 of a-z, 0-9, -, _ and ., not beginning with a dot"),
            "Its name in logs, and its client id at POST /token",
        )
        .or(Preset::Required),
        Key::new(
            "key_hash",
            Kind::Text("sha256: and 64 hexadecimal digits"),
            "The hash of its key; prove-tokend caller add makes both",
        ),
        Key::new(
            "uid",
            Kind::count(0, u32::MAX, ""),
            "The user of its process, on the Unix socket",
        ),
        Key::new(
            "gid",
            Kind::count(0, u32::MAX, ""),
            "The group of its process, on the Unix socket",
        ),
        Key::new(
            "profiles",
            Kind::Texts("the name of a profile"),
            "The profiles whose tokens it gets; the first is that of POST /token",
        )
        .or(Preset::Required),
        Key::new(
            "hands_out",
            Kind::Word(&["token", "proxy"]),
            "token: access tokens; proxy: a local bearer that the proxy alone accepts, so that the \
             access token stays in the service",
        )
        .or(Preset::Word("token")),
        Key::new(
            "allow",
            Kind::Tables(&RULE),
            "What it may call through the proxy; without it, everything below the API base",
        ),
        Key::new(
            "rate_limit",
            Kind::count(1, 1_000_000, "requests a second"),
            "Its most requests, beyond which it is answered with 429",
        )
        .or(Preset::Said("no limit")),
    ],
};

pub(super) static RULE: Table = Table::of(&[
    Key::new(
        "methods",
        Kind::Texts("a method in capitals"),
        "The methods that are allowed",
    )
    .or(Preset::Said("all")),
    Key::new(
        "paths",
        Kind::Texts("a path below the API base; a * at its end stands for any rest"),
        "The paths that are allowed",
    )
    .or(Preset::Said("all")),
]);

pub(super) static SINK: Table = Table::of(&[
    Key::new(
        "profile",
        Kind::Text("the name of a profile"),
        "Whose token it holds",
    )
    .or(Preset::Required),
    Key::new(
        "path",
        Kind::Text("a path, from the folder of this file"),
        "The file",
    )
    .or(Preset::Required),
    Key::new(
        "mode",
        Kind::Word(&["0600", "0400", "0640", "0440"]),
        "Its mode",
    )
    .or(Preset::Word("0600")),
    Key::new("group", Kind::Text("the name of a group"), "Its group")
        .or(Preset::Said("that of the process")),
]);
