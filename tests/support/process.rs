//! One child process: its log, its CPU time and memory, and the promise that it ends with the test that started it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::wait;

/// Linux reports CPU time in ticks of 10 ms on every architecture we run on (`getconf CLK_TCK`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A running child process whose output is kept. Dropping it kills it.
pub struct Process {
    name: String,
    child: Child,
    watchdog: Child,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Process {
    /// Starts `command` with both outputs captured.
    pub fn start(name: &str, command: Command) -> Self {
        Self::start_with_folder(name, command, None)
    }

    /// Like [`Process::start`]; `folder` is removed when the test process ends, however it ends.
    pub fn start_with_folder(name: &str, mut command: Command, folder: Option<&Path>) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let watchdog = watchdog(child.id(), folder);
        let lines = Arc::new(Mutex::new(Vec::new()));
        collect(child.stdout.take().expect("piped"), &lines);
        collect(child.stderr.take().expect("piped"), &lines);
        Self { name: name.to_owned(), child, watchdog, lines }
    }

    /// Everything the process has printed so far, oldest first.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("log").clone()
    }

    /// The printed text, for messages.
    pub fn log(&self) -> String {
        format!("--- log of {} ---\n{}\n", self.name, self.lines().join("\n"))
    }

    /// Waits for a line from which `read` makes something. Panics with the log when the process ends before, or at
    /// `limit`.
    pub fn wait_for_line<T>(
        &mut self,
        limit: Duration,
        what: &str,
        mut read: impl FnMut(&str) -> Option<T>,
    ) -> T {
        wait::until(limit, what, || {
            if let Some(found) = self.lines().iter().find_map(|line| read(line)) {
                return Ok(found);
            }
            if let Some(status) = self.exited() {
                panic!("{} ended ({status}) before: {what}\n{}", self.name, self.log());
            }
            Err(self.log())
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("wait")
    }

    /// kill -9, and wait until the kernel has taken everything back.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, and the status the process ends with within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal("TERM");
        let name = self.name.clone();
        wait::until(limit, &format!("{name} ends after SIGTERM"), || self.exited().ok_or("still running"))
    }

    /// Sends a signal by name (`TERM`, `STOP`, `CONT`).
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", self.id())).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{signal} {}", self.name);
    }

    /// CPU time of all threads so far, user and system, in seconds (resolution 10 ms).
    pub fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("/proc");
        // The second field is the program's name in brackets and may hold blanks.
        let fields: Vec<&str> = stat.rsplit_once(')').expect("stat").1.split_whitespace().collect();
        let ticks = |index: usize| fields[index].parse::<f64>().expect("ticks");
        (ticks(11) + ticks(12)) / TICKS_PER_SECOND
    }

    /// Memory in use now (`VmRSS`) in megabytes.
    pub fn resident_megabytes(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("/proc");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
        line.split_whitespace().nth(1).expect("value").parse::<f64>().expect("kB") / 1024.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog goes first: it kills by process id, which may belong to somebody else once we have reaped the
        // child.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        self.kill();
    }
}

/// A shell that kills `id` when our end of its standard input closes, which also happens when we are killed ourselves.
fn watchdog(id: u32, folder: Option<&Path>) -> Child {
    let script = r#"trap "" INT TERM; read -r _; kill -9 "$1"; [ -z "$2" ] || { sleep 0.3; rm -rf "$2"; }"#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "watchdog", &id.to_string()]).arg(folder.unwrap_or(Path::new("")));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("sh")
}

fn collect(stream: impl Read + Send + 'static, lines: &Arc<Mutex<Vec<String>>>) {
    let lines = Arc::clone(lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            lines.lock().expect("log").push(String::from_utf8_lossy(&line).into_owned());
        }
    });
}

/// A TCP port of 127.0.0.1 that was free a moment ago, and that the system gives to no connection meanwhile: those are
/// above.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    // Tests of several programs run at once, and each begins elsewhere.
    let begin = std::process::id().wrapping_mul(97);
    let ports = (0..COUNT).map(|_| FIRST + begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT);
    let mut ports = ports.filter_map(|port| u16::try_from(port).ok());
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port")
}
