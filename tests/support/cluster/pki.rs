//! The certificates and keys of one test control plane.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

pub(super) struct Pki {
    folder: PathBuf,
    authority: Issuer<'static, KeyPair>,
}

impl Pki {
    /// Makes an authority, the API server's certificate and the key that signs `ServiceAccount` tokens.
    pub(super) fn write(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name = subject("test-authority", None);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        write(folder, "ca.crt", &certificate.pem());
        let pki = Self { folder: folder.to_owned(), authority: Issuer::new(params, key) };
        let names = [
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "127.0.0.1",
            "10.96.0.1",
        ];
        pki.issue("apiserver", subject("kube-apiserver", None), &names);
        let accounts = KeyPair::generate().expect("a key");
        write(folder, "accounts.key", &accounts.serialize_pem());
        write(folder, "accounts.pub", &accounts.public_key_pem());
        pki
    }

    /// A client certificate: `admin` is of `system:masters`, `kcm` is the controller manager. Returns both paths.
    pub(super) fn client(&self, user: &str) -> (String, String) {
        let subject = match user {
            "kcm" => subject("system:kube-controller-manager", None),
            _ => subject(user, Some("system:masters")),
        };
        self.issue(user, subject, &[]);
        let path = |ending: &str| self.folder.join(format!("{user}.{ending}")).display().to_string();
        (path("crt"), path("key"))
    }

    fn issue(&self, file: &str, subject: DistinguishedName, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name = subject;
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.authority).expect("a certificate");
        write(&self.folder, &format!("{file}.crt"), &certificate.pem());
        write(&self.folder, &format!("{file}.key"), &key.serialize_pem());
    }
}

fn subject(name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        subject.push(DnType::OrganizationName, organization);
    }
    subject
}

fn write(folder: &Path, file: &str, text: &str) {
    std::fs::write(folder.join(file), text).expect("a certificate file");
}
