//! TLS to the real server, for `rediss://`: rustls with the system's certificates, or with those of a file.

use std::{path::Path, sync::Arc};

use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use crate::error::Error;

/// TLS with the name that the server's certificate has to have.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) connector: TlsConnector,
    pub(crate) name: ServerName<'static>,
}

/// TLS to `host`. The certificates of the file `ca`, in PEM, are trusted in place of the system's.
pub(crate) fn to(host: &str, ca: Option<&Path>) -> Result<Tls, Error> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Error::new("the host of the URL is not a name that a certificate can have"))?;
    let failed =
        |error: rustls::Error| Error::new(format!("TLS to the server cannot be set up ({error})"));
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let config = match ca {
        Some(file) => builder
            .with_root_certificates(certificates(file)?)
            .with_no_client_auth(),
        None => {
            use rustls_platform_verifier::BuilderVerifierExt as _;
            builder
                .with_platform_verifier()
                .map_err(failed)?
                .with_no_client_auth()
        }
    };
    Ok(Tls {
        connector: Arc::new(config).into(),
        name,
    })
}

fn certificates(file: &Path) -> Result<RootCertStore, Error> {
    let unusable = |why: String| {
        Error::new(format!(
            "{} cannot be used as --redis-ca ({why}); it has to hold certificates in PEM",
            file.display()
        ))
    };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it holds none".to_owned()));
    }
    Ok(roots)
}
