//! A mail server that accepts everything and keeps it, for executors that send real mail.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{dev, wait};

/// One received mail.
#[derive(Clone, Debug)]
pub struct Mail {
    pub to: String,
    /// Headers and body as sent.
    pub source: String,
}

impl Mail {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = self.source.lines().find(|line| {
            line.len() > name.len()
                && line[..name.len()].eq_ignore_ascii_case(name)
                && line[name.len()..].starts_with(':')
        })?;
        Some(line[name.len() + 1..].trim())
    }

    /// The code in the plain text part.
    pub fn code(&self) -> Option<String> {
        let plain = self.source.split("text/plain").nth(1).unwrap_or(&self.source);
        let (_, body) = plain.split_once("\n\n")?;
        dev::code_in(body.split("\n--").next()?)
    }
}

/// The server; it ends with the test process.
pub struct MailServer {
    pub port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

impl MailServer {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || converse(stream, &kept));
            }
        });
        Self { port, mails }
    }

    /// Mails to `address`, oldest first.
    pub fn to(&self, address: &str) -> Vec<Mail> {
        self.mails.lock().expect("mails").iter().filter(|mail| mail.to.contains(address)).cloned().collect()
    }

    /// The code in the newest mail to `address`, once there are more than `seen`.
    pub fn code_for(&self, address: &str, seen: usize) -> String {
        wait::until(Duration::from_secs(20), &format!("mail number {} to {address}", seen + 1), || {
            let mails = self.to(address);
            let newest =
                mails.last().filter(|_| mails.len() > seen).ok_or(format!("{} mails", mails.len()))?;
            newest.code().ok_or_else(|| format!("no code in {}", newest.source))
        })
    }
}

fn converse(stream: TcpStream, mails: &Mutex<Vec<Mail>>) -> Result<()> {
    let mut answers = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    let mut to = String::new();
    answers.write_all(b"220 test ESMTP\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb = line.get(..4).unwrap_or(&line).to_ascii_uppercase();
        let answer: &[u8] = match verb.as_str() {
            "EHLO" => b"250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => b"235 welcome\r\n",
            "QUIT" => b"221 bye\r\n",
            "RCPT" => {
                to = line;
                b"250 ok\r\n"
            }
            "DATA" => {
                answers.write_all(b"354 go on\r\n")?;
                let source = read_mail(&mut lines)?;
                mails.lock().expect("mails").push(Mail { to: std::mem::take(&mut to), source });
                b"250 kept\r\n"
            }
            _ => b"250 ok\r\n",
        };
        answers.write_all(answer)?;
    }
    Ok(())
}

fn read_mail(lines: &mut impl Iterator<Item = Result<String>>) -> Result<String> {
    let mut source = String::new();
    for line in lines {
        let line = line?;
        if line == "." {
            break;
        }
        // Dot stuffing, RFC 5321 section 4.5.2.
        source.push_str(line.strip_prefix('.').filter(|_| line.starts_with("..")).unwrap_or(&line));
        source.push('\n');
    }
    Ok(source)
}
