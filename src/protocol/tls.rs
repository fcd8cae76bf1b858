//! TLS for all connections: rustls with aws-lc-rs, chosen here and not by a process-wide default.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("read {what} as PEM")]
    Pem {
        what: &'static str,
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    #[error("find a certificate in {what}")]
    Empty { what: &'static str },
    #[error("use the given certificates")]
    Rustls(#[from] rustls::Error),
    #[error("use the given certificate authorities")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

/// How the target's certificate is checked, and what we show of ourselves.
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
}

/// A client certificate.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    pub cert_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
}

/// The configuration of all connections that share `options`. Reads the system's certificates: call it
/// once per run and not per VU.
pub fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[_] =
        if options.only_tls13 { &[&rustls::version::TLS13] } else { rustls::DEFAULT_VERSIONS };
    let verifier: Arc<dyn ServerCertVerifier> = if options.insecure_skip_verify {
        Arc::new(AcceptAny { provider: Arc::clone(&provider) })
    } else {
        let given = match &options.ca_pem {
            Some(pem) => certificates(pem, "the CA file")?,
            None => Vec::new(),
        };
        let roots = Arc::new(roots(&given)?);
        let chain = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
        if given.is_empty() { chain } else { Arc::new(ItselfOrChain { given, chain }) }
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &options.client_identity {
        Some(identity) => {
            let chain = certificates(&identity.cert_pem, "the client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(&identity.key_pem)
                .map_err(|source| TlsError::Pem { what: "the client key", source })?;
            builder.with_client_auth_cert(chain, key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
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

fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsError::Pem { what, source })?;
    if certificates.is_empty() { Err(TlsError::Empty { what }) } else { Ok(certificates) }
}

/// A server may also show the very certificate that was given, as one made by `openssl req -x509` does:
/// webpki takes no authority for a server, Go and so k6 do. Then only its name is checked.
#[derive(Debug)]
struct ItselfOrChain {
    given: Vec<CertificateDer<'static>>,
    chain: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for ItselfOrChain {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.given.contains(end_entity) {
            verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
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
