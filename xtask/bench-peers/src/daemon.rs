//! Servers that are measured: started, watched from outside, ended.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::figure::Outcome;
use crate::server::Server;

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
        on_processor(command, SERVING);
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

/// The processor of servers, and that of whoever asks them. Where both may run on both, a
/// server's time depends on who is in whose way.
const SERVING: usize = 0;
const ASKING: usize = 1;

/// Keeps this thread, and those that it starts from now on, off the servers' processor.
pub fn make_room() {
    keep_to(ASKING);
}

/// Has `command` run on that processor alone.
fn on_processor(command: &mut Command, processor: usize) {
    let pinned = move || {
        keep_to(processor);
        Ok(())
    };
    // SAFETY: between fork and exec there is one system call.
    unsafe {
        command.pre_exec(pinned);
    }
}

/// Where there is one processor only, nothing changes.
fn keep_to(processor: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    let _ = rustix::thread::sched_setaffinity(None, &set);
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

/// Ports of loopback that nobody listens at. All are held until the last is found, for
/// else two might be the same.
fn free_ports<const N: usize>() -> Outcome<[u16; N]> {
    let (mut held, mut ports) = (Vec::with_capacity(N), [0; N]);
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// A copy of a program in `folder`, as an installation makes it. What a linker has written
/// is in memory in smaller pieces, and takes more of the processor.
pub fn installed(program: &Path, folder: &Path) -> Outcome<PathBuf> {
    let name = program.file_name().ok_or("a program without a name")?;
    let copy = folder.join(name);
    std::fs::copy(program, &copy)?;
    Ok(copy)
}

/// Where a server listens.
pub struct Place {
    pub socket: PathBuf,
    pub port: u16,
}

impl Place {
    /// A socket of that name in `folder`, and a port.
    fn new(folder: &Path, name: &str, port: u16) -> Self {
        let socket = folder.join(name).with_extension("sock");
        Self { socket, port }
    }
}

/// `prove-tokend` with a profile `bench`, whose tokens come from `tokens` and whose API is
/// at `api`, and what
/// its caller is known by.
pub struct Ours {
    pub daemon: Daemon,
    pub place: Place,
    pub key: String,
}

impl Ours {
    /// Everything that can be turned on is.
    pub fn start(program: &Path, folder: &Path, tokens: &Server, api: &Server) -> Outcome<Self> {
        let [port, admin, health] = free_ports()?;
        let place = Place::new(folder, "prove-tokend", port);
        let settings = folder.join("config.toml");
        let text = settings_text(
            &place,
            [admin, health],
            [tokens.url(), api.origin()],
            folder,
        );
        std::fs::write(&settings, text)?;
        let program = installed(program, folder)?;
        let run = || {
            let mut command = Command::new(&program);
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

fn settings_text(
    place: &Place,
    [admin, health]: [u16; 2],
    [endpoint, api]: [String; 2],
    folder: &Path,
) -> String {
    let (socket, port) = (place.socket.display(), place.port);
    let sink = folder.join("sink").display().to_string();
    let user = rustix::process::getuid().as_raw();
    format!(
        "version = 1\n\
         [profiles.bench]\ntoken_endpoint = \"{endpoint}\"\napi_base = \"{api}\"\n\
         client_id = \"bench-client\"\nclient_secret = {{ env = \"BENCH_SECRET\" }}\n\
         [service]\nlisten = [\"unix:{socket}\", \"127.0.0.1:{port}\"]\n\
         admin_listen = \"127.0.0.1:{admin}\"\nhealth_listen = \"127.0.0.1:{health}\"\n\
         [[service.sinks]]\nprofile = \"bench\"\npath = \"{sink}\"\n\
         [[service.callers]]\nname = \"local\"\nuid = {user}\nprofiles = [\"bench\"]\n\
         rate_limit = 1000000\n"
    )
}

/// nginx in one process, with `server` as what its only server does; `LISTEN` in it is
/// where it listens.
pub fn nginx(program: &Path, folder: &Path, server: &str) -> Outcome<(Daemon, Place)> {
    let [port] = free_ports()?;
    let place = Place::new(folder, "nginx", port);
    let prefix = folder.join("nginx");
    std::fs::create_dir_all(&prefix)?;
    let listen = format!(
        "listen unix:{}; listen 127.0.0.1:{port};",
        place.socket.display()
    );
    let settings = format!(
        "daemon off; master_process off; pid nginx.pid; error_log /dev/null;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n access_log off; keepalive_requests 1000000000;\n\
         client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;\n\
         uwsgi_temp_path u; scgi_temp_path s; default_type application/json;\n{}\n}}\n",
        server.replace("LISTEN", &listen)
    );
    let file = prefix.join("nginx.conf");
    std::fs::write(&file, settings)?;
    let mut command = Command::new(program);
    command.arg("-p").arg(&prefix).arg("-c").arg(&file);
    let daemon = Daemon::start(&mut command, &place.socket)?;
    Ok((daemon, place))
}
