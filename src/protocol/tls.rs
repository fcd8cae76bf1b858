//! TLS for all connections: rustls with aws-lc-rs, chosen here and not by a process-wide default.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// What ALPN calls HTTP/2.
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The configurations of all connections; they differ in the protocols they offer, and share their sessions.
#[derive(Debug, Clone)]
pub struct Tls {
    /// HTTP/2 unless that is switched off, and HTTP/1.1.
    pub(super) http: Arc<ClientConfig>,
    /// HTTP/2 alone, which gRPC needs.
    pub(super) http2: Arc<ClientConfig>,
    /// HTTP/1.1 alone, which a WebSocket needs and a scrape makes do with.
    pub http1: Arc<ClientConfig>,
    verifier: Arc<dyn ServerCertVerifier>,
}

impl Tls {
    /// For a protocol without ALPN.
    pub(super) fn without_alpn(&self) -> Arc<ClientConfig> {
        let mut config = (*self.http1).clone();
        config.alpn_protocols.clear();
        Arc::new(config)
    }

    /// For a client of a protocol without ALPN that is given addresses where the plan has names: the certificate must be
    /// for the name that stands for the address in `names`. Servers are not told the name (SNI).
    pub(super) fn by_address(&self, names: HashMap<IpAddr, ServerName<'static>>) -> ClientConfig {
        let mut config = ClientConfig::clone(&self.without_alpn());
        let chain = Arc::clone(&self.verifier);
        config
            .dangerous()
            .set_certificate_verifier(Arc::new(Before { look: NameOfAddress { names }, chain }));
        config
    }
}

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("read {file} as PEM: {source}")]
    Pem {
        file: PemFile,
        #[source]
        source: pem::Error,
    },
    #[error("find a certificate in {0}")]
    NoCertificate(PemFile),
    #[error("find a private key in the client key (an encrypted one cannot be used)")]
    NoKey,
    #[error("use the client certificate with the client key: {0}")]
    Identity(#[source] rustls::Error),
    #[error("use the given certificates")]
    Rustls(#[from] rustls::Error),
    #[error("use the given certificate authorities")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

impl TlsError {
    /// The file that is to be mended, if it is one.
    pub fn file(&self) -> Option<PemFile> {
        match self {
            TlsError::Pem { file, .. } | TlsError::NoCertificate(file) => Some(*file),
            TlsError::NoKey | TlsError::Identity(_) => Some(PemFile::Key),
            TlsError::Rustls(_) | TlsError::Verifier(_) => None,
        }
    }
}

/// A PEM file that TLS is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PemFile {
    Ca,
    Certificate,
    Key,
}

impl fmt::Display for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PemFile::Ca => "the CA file",
            PemFile::Certificate => "the client certificate",
            PemFile::Key => "the client key",
        })
    }
}

/// How the target's certificate is checked, what we show of ourselves and what we offer to speak.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Accepts any certificate. For targets under test only.
    pub insecure_skip_verify: bool,
    /// Authorities to trust instead of the system's: PEM, one or more certificates.
    pub ca_pem: Option<Vec<u8>>,
    /// Our own certificate chain and key, for targets that ask for one: PEM.
    pub client_identity: Option<ClientIdentity>,
    /// Refuses TLS 1.2.
    pub only_tls13: bool,
    /// Offers HTTP/2 beside HTTP/1.1.
    pub http2: bool,
}

/// A client certificate.
#[derive(Clone)]
pub struct ClientIdentity {
    pub cert_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

/// The configurations of all connections that share `options`. Reads the system's certificates: call it
/// once per run and not per VU.
pub fn client_config(options: &TlsOptions) -> Result<Tls, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[_] =
        if options.only_tls13 { &[&rustls::version::TLS13] } else { rustls::DEFAULT_VERSIONS };
    let verifier: Arc<dyn ServerCertVerifier> = if options.insecure_skip_verify {
        Arc::new(AcceptAny { provider: Arc::clone(&provider) })
    } else {
        let given = match &options.ca_pem {
            Some(pem) => certificates(pem, PemFile::Ca)?,
            None => Vec::new(),
        };
        let roots = Arc::new(roots(&given)?);
        let chain = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
        if given.is_empty() { chain } else { Arc::new(Before { look: Itself { given }, chain }) }
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier));
    let mut config = match &options.client_identity {
        Some(identity) => {
            let chain = certificates(&identity.cert_pem, PemFile::Certificate)?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key_pem).map_err(|source| match source {
                pem::Error::NoItemsFound => TlsError::NoKey,
                source => TlsError::Pem { file: PemFile::Key, source },
            })?;
            builder.with_client_auth_cert(chain, key).map_err(TlsError::Identity)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![HTTP1.to_vec()];
    let http1 = Arc::new(config.clone());
    config.alpn_protocols = vec![HTTP2.to_vec()];
    let http2 = Arc::new(config.clone());
    config.alpn_protocols = vec![HTTP1.to_vec()];
    if options.http2 {
        config.alpn_protocols.insert(0, HTTP2.to_vec());
    }
    Ok(Tls { http: Arc::new(config), http2, http1, verifier })
}

/// The given authorities, else the system's, else the ones that are built in.
fn roots(given: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in given {
        store.add(certificate.clone())?;
    }
    if store.is_empty() {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(store)
}

fn certificates(pem: &[u8], file: PemFile) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::Pem { file, source })?;
    if certificates.is_empty() { Err(TlsError::NoCertificate(file)) } else { Ok(certificates) }
}

/// Another look at a server's certificate before the chain is followed; signatures are the chain's own business.
#[derive(Debug)]
struct Before<L> {
    look: L,
    chain: Arc<dyn ServerCertVerifier>,
}

trait Look: fmt::Debug + Send + Sync {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        chain: &dyn Fn(&ServerName<'_>) -> Result<ServerCertVerified, rustls::Error>,
    ) -> Result<ServerCertVerified, rustls::Error>;
}

impl<L: Look> ServerCertVerifier for Before<L> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.look.verify(end_entity, server_name, &|name| {
            self.chain.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// A server may also show the very certificate that was given, as one made by `openssl req -x509` does:
/// webpki takes no authority for a server, Go and so k6 do. Then only its name is checked.
#[derive(Debug)]
struct Itself {
    given: Vec<CertificateDer<'static>>,
}

impl Look for Itself {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        chain: &dyn Fn(&ServerName<'_>) -> Result<ServerCertVerified, rustls::Error>,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.given.contains(end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        chain(server_name)
    }
}

/// Asks for the name that an address was found by.
#[derive(Debug)]
struct NameOfAddress {
    names: HashMap<IpAddr, ServerName<'static>>,
}

impl Look for NameOfAddress {
    fn verify(
        &self,
        _: &CertificateDer<'_>,
        server_name: &ServerName<'_>,
        chain: &dyn Fn(&ServerName<'_>) -> Result<ServerCertVerified, rustls::Error>,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let named = match server_name {
            ServerName::IpAddress(address) => self.names.get(&IpAddr::from(*address)),
            _ => None,
        };
        chain(named.unwrap_or(server_name))
    }
}

/// `insecure_skip_verify`: any certificate will do, but the handshake must still be signed with its key.
#[derive(Debug)]
struct AcceptAny {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let options = TlsOptions { ca_pem: Some(b"nothing".to_vec()), ..TlsOptions::default() };
        assert_eq!(client_config(&options).unwrap_err().to_string(), "find a certificate in the CA file");
    }

    #[test]
    fn the_systems_authorities_or_the_built_in_ones_are_trusted() {
        assert!(!roots(&[]).unwrap().is_empty());
    }
}
