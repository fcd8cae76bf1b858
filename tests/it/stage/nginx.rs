//! Debian's nginx. Where it is not installed a test skips, and says so.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A server with these locations, each line of nginx's own configuration. Ends when it is dropped.
pub(crate) struct Nginx {
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// `files` are written beside the configuration, which is the root of what is served. `None` where nginx
    /// is not installed.
    pub(crate) fn serving(locations: &str, files: &[(&str, &str)]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        // Free a moment ago, which is as good as nginx lets one know.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|kind| format!("{kind}_temp_path {kind};\n"))
            .collect();
        let config = format!(
            "pid nginx.pid; error_log error.log; master_process off;\nevents {{}}\n\
             http {{ access_log off; {temporary} server {{ listen {address}; root .; {locations} }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), config).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        // It goes into the background once it listens.
        match nginx(folder.path()).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                println!("skipped: nginx does not start ({error}); it comes with Debian's package nginx");
                return None;
            }
        }
        Some(Nginx { address, folder })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn nginx(folder: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "error.log"]).stdin(Stdio::null());
    command
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ended = nginx(self.folder.path()).args(["-s", "stop"]).output();
    }
}
