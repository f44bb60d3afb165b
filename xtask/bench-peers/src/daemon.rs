//! Servers that are measured: started, watched from outside, ended.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::figure::Outcome;

/// A server of one process, ended with this value.
pub struct Daemon {
    child: Child,
    clock: libc::clockid_t,
}

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(10);

impl Daemon {
    /// Runs `command`, and waits until something accepts connections at `socket`.
    pub fn start(command: &mut Command, socket: &Path) -> Outcome<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let clock = match listens(&mut child, socket).and_then(|()| clock_of(&child)) {
            Ok(clock) => clock,
            Err(error) => {
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
        };
        Ok(Self { child, clock })
    }

    /// The CPU time that it has used, in nanoseconds.
    pub fn cpu(&self) -> Outcome<f64> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the pointer is to a live value of the right type.
        match unsafe { libc::clock_gettime(self.clock, &mut time) } {
            0 => Ok(time.tv_sec as f64 * 1e9 + time.tv_nsec as f64),
            _ => Err(std::io::Error::last_os_error().into()),
        }
    }

    /// The memory that it has now, in MB.
    pub fn resident(&self) -> Outcome<f64> {
        self.status("VmRSS:")
    }

    /// The most memory that it ever had, in MB.
    pub fn peak(&self) -> Outcome<f64> {
        self.status("VmHWM:")
    }

    /// A size of `/proc`, in MB.
    fn status(&self, name: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let size = status.lines().find_map(|line| line.strip_prefix(name));
        let size = size.and_then(|size| size.trim().strip_suffix(" kB"));
        let kilobytes: f64 = size.ok_or("a status without sizes")?.parse()?;
        Ok(kilobytes * 1024.0 / 1e6)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn listens(child: &mut Child, socket: &Path) -> Outcome<()> {
    let start = Instant::now();
    while UnixStream::connect(socket).is_err() {
        if let Some(status) = child.try_wait()? {
            return Err(format!("the server ended with {status}").into());
        }
        if start.elapsed() > START {
            return Err("the server does not listen".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn clock_of(child: &Child) -> Outcome<libc::clockid_t> {
    let mut clock = 0;
    // SAFETY: the pointer is to a live value of the right type.
    match unsafe { libc::clock_getcpuclockid(child.id().try_into()?, &mut clock) } {
        0 => Ok(clock),
        code => Err(std::io::Error::from_raw_os_error(code).into()),
    }
}

/// A port of loopback that nobody listens at.
fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Where a server listens.
pub struct Place {
    pub socket: PathBuf,
    pub port: u16,
}

impl Place {
    /// A socket of that name in `folder`, and a free port.
    pub fn new(folder: &Path, name: &str) -> Outcome<Self> {
        let socket = folder.join(name).with_extension("sock");
        let port = free_port()?;
        Ok(Self { socket, port })
    }
}

/// `prove-tokend` with a profile `bench`, whose tokens and API are at `origin`, and what
/// its caller is known by.
pub struct Ours {
    pub daemon: Daemon,
    pub place: Place,
    pub key: String,
}

impl Ours {
    /// Everything that can be turned on is.
    pub fn start(program: &Path, folder: &Path, origin: &str) -> Outcome<Self> {
        let place = Place::new(folder, "prove-tokend")?;
        let settings = folder.join("config.toml");
        std::fs::write(&settings, settings_text(&place, origin, folder)?)?;
        let run = || {
            let mut command = Command::new(program);
            command
                .env_clear()
                .env("HOME", folder)
                .env("BENCH_SECRET", "bench-secret");
            command
        };
        let mut add = run();
        add.args(["caller", "add", "bench", "--profile", "bench", "--config"]);
        let added = add.arg(&settings).output()?;
        if !added.status.success() {
            return Err(String::from_utf8_lossy(&added.stderr).into());
        }
        let key = String::from_utf8(added.stdout)?.trim().to_owned();
        let daemon = Daemon::start(run().arg("--config").arg(&settings), &place.socket)?;
        Ok(Self { daemon, place, key })
    }
}

fn settings_text(place: &Place, origin: &str, folder: &Path) -> Outcome<String> {
    let (socket, port) = (place.socket.display(), place.port);
    let (admin, health) = (free_port()?, free_port()?);
    let sink = folder.join("sink").display().to_string();
    let user = rustix::process::getuid().as_raw();
    Ok(format!(
        "version = 1\n\
         [profiles.bench]\ntoken_endpoint = \"{origin}/token\"\napi_base = \"{origin}\"\n\
         client_id = \"bench-client\"\nclient_secret = {{ env = \"BENCH_SECRET\" }}\n\
         [service]\nlisten = [\"unix:{socket}\", \"127.0.0.1:{port}\"]\n\
         admin_listen = \"127.0.0.1:{admin}\"\nhealth_listen = \"127.0.0.1:{health}\"\n\
         [[service.sinks]]\nprofile = \"bench\"\npath = \"{sink}\"\n\
         [[service.callers]]\nname = \"local\"\nuid = {user}\nprofiles = [\"bench\"]\n\
         rate_limit = 1000000\n"
    ))
}

/// nginx in one process, with `server` as what its only server does.
pub fn nginx(program: &Path, folder: &Path, place: &Place, server: &str) -> Outcome<Daemon> {
    let name = place.socket.file_stem().ok_or("a socket without a name")?;
    let prefix = folder.join(name);
    std::fs::create_dir_all(&prefix)?;
    let (socket, port) = (place.socket.display(), place.port);
    let settings = format!(
        "daemon off; master_process off; pid nginx.pid; error_log /dev/null;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n access_log off; keepalive_requests 1000000000;\n\
         client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n\
         uwsgi_temp_path u; scgi_temp_path s; default_type application/json;\n{server}\n}}\n"
    )
    .replace(
        "LISTEN",
        &format!("listen unix:{socket}; listen 127.0.0.1:{port};"),
    );
    let file = prefix.join("nginx.conf");
    std::fs::write(&file, settings)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(&prefix).arg("-c").arg(&file);
    Daemon::start(&mut command, &place.socket)
}
