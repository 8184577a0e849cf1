//! An outside HTTP service that accepts every call and counts it by its idempotency key.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// The service; it ends with the test process.
pub struct Service {
    pub port: u16,
    calls: Arc<Mutex<Vec<Call>>>,
}

/// One received call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The value of `Idempotency-Key`; empty when there was none.
    pub key: String,
    pub body: String,
}

impl Service {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&calls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || serve(stream, &kept));
            }
        });
        Self { port, calls }
    }

    /// How often each idempotency key came, among calls whose body contains `text`.
    pub fn calls_about(&self, text: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls.lock().expect("calls").iter().filter(|call| call.body.contains(text)) {
            *counts.entry(call.key.clone()).or_default() += 1;
        }
        counts
    }
}

fn serve(stream: TcpStream, calls: &Mutex<Vec<Call>>) -> Result<()> {
    let mut answers = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let (mut key, mut length) = (String::new(), 0);
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        while !line.trim().is_empty() {
            if let Some((name, value)) = line.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "idempotency-key" => value.trim().clone_into(&mut key),
                    "content-length" => length = value.trim().parse().map_err(std::io::Error::other)?,
                    _ => {}
                }
            }
            line.clear();
            reader.read_line(&mut line)?;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        calls.lock().expect("calls").push(Call { key, body: String::from_utf8_lossy(&body).into_owned() });
        answers.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}",
        )?;
    }
}
