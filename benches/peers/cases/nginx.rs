//! nginx as one process answering two bytes, with a configuration of its own in the bench's folder.

use std::fs::{create_dir_all, write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::machine::{Place, find, free_address};
use crate::process::Daemon;
use crate::{Failure, Result};

pub(super) const INSTALL: &str = "apt-get install nginx";

/// Started on the server's core and ready.
pub(super) fn start(bench: &Bench) -> Result<(Daemon, SocketAddr)> {
    let program = find("nginx").ok_or_else(|| Failure::from(format!("nginx is not installed: {INSTALL}")))?;
    let address = free_address()?;
    let folder = bench.folder().join("nginx");
    create_dir_all(&folder)?;
    let path = folder.join("nginx.conf");
    write(&path, configuration(&folder.to_string_lossy(), address))?;
    let mut command = bench.machine.command(&program, Place::Server);
    command.arg("-p").arg(&folder).arg("-c").arg(&path).args(["-e", "stderr"]);
    let nginx = Daemon::start(command)?;
    let started = Instant::now();
    while TcpStream::connect(address).is_err() {
        bench.interrupt.check()?;
        if started.elapsed() > Duration::from_secs(5) {
            return Err(
                format!("nginx does not listen on {address}; try: nginx -t -c {}", path.display()).into()
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((nginx, address))
}

/// Without a master there is one process, so that killing it leaves nothing behind.
fn configuration(folder: &str, address: SocketAddr) -> String {
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  server {{
    listen {address} backlog=4096;
    location / {{ default_type text/plain; return 200 'ok'; }}
  }}
}}
"
    )
}
