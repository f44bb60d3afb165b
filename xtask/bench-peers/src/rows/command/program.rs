//! Programs that are started again and again, in an environment made for them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use tempfile::TempDir;

use crate::daemon;
use crate::figure::{self, Outcome};
use crate::meter::median;

const FORM: &str =
    "grant_type=client_credentials&client_id=bench-client&client_secret=bench-secret";

/// Where distributions keep the system's certificates in one file.
const SYSTEM_ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// A program with all that it is given.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    /// Removed before each run.
    kept: Option<PathBuf>,
}

impl Program {
    pub fn with(mut self, flag: &str, value: &Path) -> Self {
        self.arguments.extend([flag.into(), value.into()]);
        self
    }

    pub fn with_flag(mut self, flag: &str) -> Self {
        self.arguments.push(flag.into());
        self
    }

    pub fn with_variable(mut self, name: &'static str, value: &Path) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Forgets what an earlier run has left in the cache folder.
    pub fn forgetting(mut self) -> Self {
        let folder = self.variables.iter().find(|(name, _)| *name == CACHE);
        self.kept = folder.map(|(_, folder)| PathBuf::from(folder));
        self
    }

    /// Runs it to its end, and says how long that took, in milliseconds.
    pub fn run(&self) -> Outcome<f64> {
        if let Some(kept) = &self.kept
            && kept.exists()
        {
            std::fs::remove_dir_all(kept)?;
        }
        let mut command = self.command(&self.path);
        command.args(&self.arguments).stdout(Stdio::null());
        let start = Instant::now();
        let status = command.status()?;
        let time = start.elapsed().as_secs_f64() * 1e3;
        if !status.success() {
            return Err(format!("{} failed with {status}", self.path.display()).into());
        }
        Ok(time)
    }

    /// The most memory that it had, in MB.
    pub fn peak(&self, peak: &Path) -> Outcome<f64> {
        let mut command = self.command(peak);
        let output = command.arg(&self.path).args(&self.arguments).output()?;
        let kilobytes: f64 = String::from_utf8(output.stdout)?.trim().parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }

    fn command(&self, path: &Path) -> Command {
        let mut command = Command::new(path);
        let variables = self.variables.iter().cloned();
        command.env_clear().envs(variables).stdin(Stdio::null());
        command
    }
}

const CACHE: &str = "XDG_CACHE_HOME";

/// A folder for what programs read and write, removed in the end.
pub struct Scratch(TempDir);

impl Scratch {
    pub fn new() -> Outcome<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    /// The program as it is once installed.
    pub fn install(&self, path: &Path) -> Outcome<PathBuf> {
        daemon::installed(path, self.0.path())
    }

    /// A program without arguments.
    pub fn program(&self, path: &Path) -> Program {
        Program {
            path: path.to_owned(),
            arguments: Vec::new(),
            variables: vec![("HOME", self.0.path().into())],
            kept: None,
        }
    }

    /// Our command, with its profile in a file and its secret in the environment.
    pub fn prove_token(&self, path: &Path, endpoint: &str) -> Outcome<Program> {
        let profile = format!(
            "version = 1\n[profiles.bench]\ntoken_endpoint = \"{endpoint}\"\n\
             client_id = \"bench-client\"\nclient_secret = {{ env = \"BENCH_SECRET\" }}\n"
        );
        let settings = self.write("config.toml", &profile)?;
        let mut program = self.program(&self.install(path)?);
        let words = ["token", "--profile", "bench"];
        program.arguments = words.map(OsString::from).to_vec();
        let secret = ("BENCH_SECRET", "bench-secret".into());
        program.variables.push(secret);
        Ok(program
            .with_variable("PROVE_TOKEN_CONFIG", &settings)
            .with_variable(CACHE, &self.0.path().join("cache")))
    }

    /// What a script without us does: a request for each token.
    pub fn curl(&self, path: &Path, endpoint: &str) -> Program {
        let mut program = self.program(path);
        let words = [
            "--silent",
            "--show-error",
            "--fail",
            "--data",
            FORM,
            endpoint,
        ];
        program.arguments = words.map(OsString::from).to_vec();
        program
    }

    /// The AWS command, reading one setting from its file.
    pub fn aws(&self, path: &Path) -> Outcome<Program> {
        let settings = self.write("aws", "[default]\naws_session_token = bench\n")?;
        let mut program = self.program(path);
        let words = ["configure", "get", "aws_session_token"];
        program.arguments = words.map(OsString::from).to_vec();
        Ok(program
            .with_variable("AWS_CONFIG_FILE", &settings)
            .with_variable("AWS_SHARED_CREDENTIALS_FILE", &settings))
    }

    pub fn write(&self, name: &str, text: &str) -> Outcome<PathBuf> {
        let path = self.0.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    }
}

/// Runs programs in turn and prints the median of each.
pub fn print_times(row: &str, programs: &[(&str, &Program)], rounds: usize) -> Outcome<()> {
    let mut times = vec![Vec::with_capacity(rounds); programs.len()];
    for _ in 0..rounds {
        for ((_, program), times) in programs.iter().zip(&mut times) {
            times.push(program.run()?);
        }
    }
    for ((name, _), times) in programs.iter().zip(times) {
        figure::print(row, name, median(times), "ms");
    }
    Ok(())
}

/// The first program of that name on the PATH.
pub fn find(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// The AWS command itself: a script of pyenv in front of it would be measured with it.
pub fn find_aws() -> Option<PathBuf> {
    let path = find("aws")?;
    if !path.parent()?.ends_with("shims") {
        return Some(path);
    }
    let output = Command::new(find("pyenv")?)
        .args(["which", "aws"])
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

/// The system's certificates.
pub fn system_roots() -> Option<String> {
    SYSTEM_ROOTS
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
}

/// A certificate authority, and a server's certificate from it.
pub struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub fn new() -> Outcome<Self> {
        let mut parameters = rcgen::CertificateParams::new(Vec::new())?;
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let name = &mut parameters.distinguished_name;
        name.push(rcgen::DnType::CommonName, "prove-token bench");
        let key = rcgen::KeyPair::generate()?;
        let certificate = parameters.self_signed(&key)?;
        let issuer = rcgen::Issuer::new(parameters, key);
        Ok(Self {
            certificate,
            issuer,
        })
    }

    /// What clients are to trust, in PEM.
    pub fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// What a server on loopback shows.
    pub fn server_config(&self) -> Outcome<Arc<rustls::ServerConfig>> {
        let key = rcgen::KeyPair::generate()?;
        let names = vec!["127.0.0.1".to_owned()];
        let leaf = rcgen::CertificateParams::new(names)?.signed_by(&key, &self.issuer)?;
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)?;
        Ok(Arc::new(config))
    }
}
