//! HTTP/1.1 over plain loopback sockets, one kept-alive connection per address. Small on purpose: a load client must
//! cost little next to the server it measures, and a test must see connection failures as they are.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use url::Url;

/// A request without its host, which comes from the URL.
pub struct Request<'a> {
    pub method: &'a str,
    pub url: &'a Url,
    pub headers: Vec<(&'a str, String)>,
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    pub fn get(url: &'a Url) -> Self {
        Self { method: "GET", url, headers: Vec::new(), body: b"" }
    }
}

/// What came back: names of headers are in lower case.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics with the body when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}), status {}: {}", self.status, self.text()))
    }
}

/// Sends requests; keeps one connection per address.
#[derive(Default)]
pub struct Client {
    open: HashMap<String, BufReader<TcpStream>>,
    routes: HashMap<String, String>,
}

impl Client {
    /// Sends requests for `host:port` of a URL to another address, as a proxy in front of the server would.
    pub fn route(&mut self, authority: &str, address: &str) {
        self.routes.insert(authority.to_owned(), address.to_owned());
    }

    /// One request, one response; no redirect is followed. A connection that the server closed meanwhile is opened
    /// again for requests that may be repeated.
    pub fn send(&mut self, request: &Request<'_>) -> Result<Response> {
        let authority = authority(request.url);
        let address = self.routes.get(&authority).unwrap_or(&authority).clone();
        if let Some(mut connection) = self.open.remove(&address) {
            match exchange(&mut connection, request, &authority) {
                Ok(response) => return Ok(self.keep(address, connection, response)),
                Err(error) if request.method != "GET" && !is_idle_close(&error) => return Err(error),
                Err(_) => {}
            }
        }
        let stream = TcpStream::connect(&address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut connection = BufReader::new(stream);
        let response = exchange(&mut connection, request, &authority)?;
        Ok(self.keep(address, connection, response))
    }

    fn keep(&mut self, address: String, connection: BufReader<TcpStream>, response: Response) -> Response {
        if response.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.open.insert(address, connection);
        }
        response
    }
}

/// `host:port`, as it also stands in the Host header.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().expect("a URL with a host");
    format!("{host}:{}", url.port_or_known_default().expect("a port"))
}

/// The server closed a kept-alive connection before it read anything of this request.
fn is_idle_close(error: &Error) -> bool {
    error.kind() == ErrorKind::ConnectionAborted
}

fn exchange(
    connection: &mut BufReader<TcpStream>,
    request: &Request<'_>,
    authority: &str,
) -> Result<Response> {
    write_request(connection.get_mut(), request, authority)?;
    let status_line = match read_line(connection) {
        Ok(line) if line.is_empty() => {
            return Err(Error::new(ErrorKind::ConnectionAborted, "closed while idle"));
        }
        other => other?,
    };
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| Error::other(format!("not HTTP: {status_line}")))?;
    let headers = read_headers(connection)?;
    let mut response = Response { status, headers, body: Vec::new() };
    response.body = read_body(connection, &response, request.method)?;
    Ok(response)
}

fn write_request(stream: &mut TcpStream, request: &Request<'_>, authority: &str) -> Result<()> {
    let url = request.url;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = if url.port().is_some() { authority } else { url.host_str().unwrap_or(authority) };
    let mut text = format!("{} {}{query} HTTP/1.1\r\nHost: {host}\r\n", request.method, url.path());
    let length = ("Content-Length", request.body.len().to_string());
    for (name, value) in request.headers.iter().chain((request.method == "POST").then_some(&length)) {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(request.body);
    stream.write_all(&bytes)
}

fn read_line(connection: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn read_headers(connection: &mut BufReader<TcpStream>) -> Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(connection)?;
        let Some((name, value)) = line.split_once(':') else { return Ok(headers) };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_body(connection: &mut BufReader<TcpStream>, response: &Response, method: &str) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    if method == "HEAD" || response.status == 204 || response.status == 304 {
        return Ok(body);
    }
    if response.header("transfer-encoding").is_some() {
        return read_chunks(connection);
    }
    match response.header("content-length").map(str::parse) {
        Some(Ok(length)) => {
            body.resize(length, 0);
            connection.read_exact(&mut body)?;
        }
        _ => {
            connection.read_to_end(&mut body)?;
        }
    }
    Ok(body)
}

fn read_chunks(connection: &mut BufReader<TcpStream>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(&read_line(connection)?, 16).map_err(Error::other)?;
        let start = body.len();
        body.resize(start + size, 0);
        connection.read_exact(&mut body[start..])?;
        read_line(connection)?;
        if size == 0 {
            return Ok(body);
        }
    }
}
