//! Targets behind TLS.

use super::*;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

async fn tls_server(certificate: &CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _request = stream.read(&mut [0; 4096]).await;
            let _cut_short = stream.write_all(&ok("", b"hz 100\n")).await;
        }
    });
    address
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth())
}

#[tokio::test]
async fn an_https_target_is_scraped_if_its_certificate_is_trusted() {
    let certificate = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let address = tls_server(&certificate).await;
    let mut roots = RootCertStore::empty();
    roots.add(certificate.cert.der().clone()).unwrap();
    let mut target = target(address, PATIENT);
    target.url = url::Url::parse(&format!("https://localhost:{}/metrics", address.port())).unwrap();
    target.tls = Some(trusting(roots.clone()));
    assert_eq!(lines(&scrape::once(&target, &Clock::start()).await), ["hz{} 100"]);

    target.tls = Some(trusting(RootCertStore::empty()));
    check_failure(&scrape::once(&target, &Clock::start()).await, "tls", "certificate");

    target.tls = Some(trusting(roots));
    target.url = url::Url::parse(&format!("https://{address}/metrics")).unwrap();
    check_failure(&scrape::once(&target, &Clock::start()).await, "tls", "certificate");
}
