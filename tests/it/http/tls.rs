//! Whom TLS trusts, and whom it shows itself to.

use loadgate::protocol::tls::PemFile;
use loadgate::protocol::websocket::{Handshake, connect};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A certificate for a name, with its key.
pub(crate) struct Identity {
    certificate: rcgen::Certificate,
    signing_key: rcgen::KeyPair,
}

impl Identity {
    /// Self-signed.
    pub(crate) fn made_for(name: &str, is_ca: bool) -> Self {
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        if is_ca {
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let certificate = params.self_signed(&signing_key).unwrap();
        Identity { certificate, signing_key }
    }

    pub(crate) fn pem(&self) -> Vec<u8> {
        self.certificate.pem().into_bytes()
    }

    pub(crate) fn key_pem(&self) -> Vec<u8> {
        self.signing_key.serialize_pem().into_bytes()
    }

    /// Trusts it, and offers HTTP/2.
    pub(crate) fn trusted(&self) -> TlsOptions {
        TlsOptions { ca_pem: Some(self.pem()), http2: true, ..TlsOptions::default() }
    }

    /// For a server that speaks these protocols, in order of preference.
    pub(crate) fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// A TLS server with a self-signed certificate for `name`; gives the certificate as PEM.
async fn tls_server(name: &str, is_ca: bool) -> (SocketAddr, Vec<u8>) {
    let identity = Identity::made_for(name, is_ca);
    let acceptor = identity.acceptor(&[]);
    let address = serve(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = [0; 4096];
            while let Ok(1..) = stream.read(&mut buffer).await {
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    (address, identity.pem())
}

async fn get_tls(port: u16, options: TlsOptions) -> (Exchange, Exchange) {
    let dialer = Dialer::new(Arc::new(settings(&options)), Clock::start());
    let (target, headers) = (Target::parse(&format!("https://localhost:{port}/")).unwrap(), HeaderMap::new());
    let mut client = Client::new();
    let (first, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
    let (second, _) = client.exchange(&dialer, Request::get(&target, &headers)).await;
    (first, second)
}

#[tokio::test]
async fn a_certificate_is_checked_against_its_authority_and_its_name() {
    let (address, own_ca) = tls_server("localhost", false).await;
    let trusting = TlsOptions { ca_pem: Some(own_ca.clone()), ..TlsOptions::default() };
    let (first, second) = get_tls(address.port(), trusting).await;
    assert_eq!((first.status, first.error, second.error), (200, None, None));
    assert!(!first.phases.tls_handshaking.is_zero() && second.phases.tls_handshaking.is_zero());
    assert!(second.phases.connecting.is_zero());
    // k6 counts below TLS: the handshake and the records' own bytes are in it.
    assert!(first.bytes_received > second.bytes_received && second.bytes_received > OK.len() as u64);

    let (other, other_ca) = tls_server("elsewhere.test", false).await;
    let (first, _) =
        get_tls(address.port(), TlsOptions { ca_pem: Some(other_ca.clone()), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (0, Some(ErrorCode::TLS_UNKNOWN_AUTHORITY)));
    assert!(!first.phases.tls_handshaking.is_zero());

    let (first, _) =
        get_tls(other.port(), TlsOptions { ca_pem: Some(other_ca), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (0, Some(ErrorCode::TLS_WRONG_HOST)));

    // What `openssl req -x509` makes, given as the CA or not.
    let (self_made, itself) = tls_server("localhost", true).await;
    let (first, _) =
        get_tls(self_made.port(), TlsOptions { ca_pem: Some(own_ca), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (0, Some(ErrorCode::TLS_UNKNOWN_AUTHORITY)));
    let (first, _) =
        get_tls(self_made.port(), TlsOptions { ca_pem: Some(itself), ..TlsOptions::default() }).await;
    assert_eq!((first.status, first.error), (200, None));

    for address in [other, self_made] {
        let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
        let (first, second) = get_tls(address.port(), insecure).await;
        assert_eq!((first.status, first.error, second.error), (200, None, None));
    }
}

#[tokio::test]
async fn a_server_without_tls_fails_the_tls_handshake() {
    let address = serve(|_, mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    })
    .await;
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    assert_eq!(get_tls(address.port(), insecure).await.0.error, Some(ErrorCode::TLS));
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_told_by_its_file() {
    let (one, other) = (Identity::made_for("one.test", false), Identity::made_for("other.test", false));
    let not_pem = b"-----BEGIN CERTIFICATE-----\nno base64!\n".to_vec();
    for (cert_pem, key_pem, file, said) in [
        (one.pem(), other.key_pem(), PemFile::Key, "use the client certificate with the client key: "),
        (one.pem(), one.pem(), PemFile::Key, "find a private key in the client key (an encrypted"),
        (one.key_pem(), one.key_pem(), PemFile::Certificate, "find a certificate in the client certificate"),
        (not_pem, one.key_pem(), PemFile::Certificate, "read the client certificate as PEM: "),
    ] {
        let client_identity = Some(ClientIdentity { cert_pem, key_pem });
        let error = client_config(&TlsOptions { client_identity, ..TlsOptions::default() }).unwrap_err();
        assert_eq!(error.file(), Some(file), "{error}");
        assert!(error.to_string().starts_with(said), "{error}");
    }
}

#[tokio::test]
async fn a_host_override_keeps_the_name_that_tls_checks_whatever_is_spoken() {
    let identity = Identity::made_for("api.shop.test", false);
    for protocol in ["h2", "http/1.1"] {
        let acceptor = identity.acceptor(&[protocol]);
        let (sent, received) = oneshot::channel();
        let sent = std::sync::Mutex::new(Some(sent));
        let address = serve(move |_, stream| {
            let (acceptor, sent) = (acceptor.clone(), sent.lock().unwrap().take());
            async move {
                let stream = acceptor.accept(stream).await.unwrap();
                sent.unwrap().send(stream.get_ref().1.server_name().map(str::to_owned)).unwrap();
            }
        })
        .await;
        let mut settings = settings(&identity.trusted());
        settings.hosts = vec![HostOverride::parse("*.shop.test", &address.to_string()).unwrap()];
        let dialer = Dialer::new(Arc::new(settings), Clock::start());
        let (target, headers) = (Target::parse("https://api.shop.test/").unwrap(), HeaderMap::new());
        let (exchange, _) = Client::new().exchange(&dialer, Request::get(&target, &headers)).await;
        assert_eq!(received.await.unwrap().as_deref(), Some("api.shop.test"));
        assert!(
            !exchange.phases.tls_handshaking.is_zero() && exchange.status == 0,
            "{protocol}: {exchange:?}"
        );
    }
}

#[tokio::test]
async fn a_websocket_is_overridden_and_secured_as_requests_are_and_never_offers_http2() {
    let identity = Identity::made_for("chat.test", false);
    let acceptor = identity.acceptor(&["h2", "http/1.1"]);
    let address = serve(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let session = stream.get_ref().1;
            assert_eq!(
                (session.server_name(), session.alpn_protocol()),
                (Some("chat.test"), Some(&b"http/1.1"[..]))
            );
            let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
            futures_util::SinkExt::close(&mut socket).await.unwrap();
        }
    })
    .await;
    let mut settings = settings(&identity.trusted());
    settings.hosts = vec![HostOverride::parse("chat.test:443", &address.to_string()).unwrap()];
    let dialer = Dialer::new(Arc::new(settings), Clock::start());
    let (target, headers) = (Target::parse("wss://chat.test/room").unwrap(), HeaderMap::new());
    let handshake =
        Handshake { target: &target, headers: &headers, subprotocols: &[], timeout: PATIENCE, due: None };
    let opening = connect(&dialer, handshake).await;
    assert_eq!((opening.exchange.status, opening.exchange.error), (101, None));
}
